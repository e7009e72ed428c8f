-- From here on a city is looked up by its folded name. What another program inserts
-- without the column gets the nearest that SQL can say.
SET @ddl = IF(
    EXISTS (SELECT 1 FROM information_schema.statistics
            WHERE table_schema = DATABASE() AND table_name = 'endereco' AND index_name = 'endereco_cidade_busca'),
    'DO 0',
    'ALTER TABLE `endereco`
        MODIFY COLUMN `cidade_busca` VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT (LOWER(`cidade`)) AFTER `cidade`,
        ADD KEY `endereco_uf_cidade_busca` (`uf`, `cidade_busca`, `id`),
        ADD KEY `endereco_cidade_busca` (`cidade_busca`, `id`),
        DROP KEY `endereco_uf_cidade`,
        DROP KEY `endereco_cidade`'
);
PREPARE ddl FROM @ddl;
EXECUTE ddl;
DEALLOCATE PREPARE ddl
