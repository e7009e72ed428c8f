-- From here on an e-mail address is its key. What another program inserts without the
-- columns gets the nearest that SQL can say.
SET @ddl = IF(
    EXISTS (SELECT 1 FROM information_schema.statistics
            WHERE table_schema = DATABASE() AND table_name = 'cadastro' AND index_name = 'cadastro_email_chave'),
    'DO 0',
    'ALTER TABLE `cadastro`
        MODIFY COLUMN `email_chave` VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT (LOWER(`email`)) AFTER `email`,
        MODIFY COLUMN `nome_busca` VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT (LOWER(`nome`)) AFTER `nome`,
        ADD UNIQUE KEY `cadastro_email_chave` (`email_chave`),
        DROP KEY `cadastro_email`'
);
PREPARE ddl FROM @ddl;
EXECUTE ddl;
DEALLOCATE PREPARE ddl
