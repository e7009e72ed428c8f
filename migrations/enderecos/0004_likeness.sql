-- A city is looked up by what is left of its name without case, accents and double
-- blanks, written with every row.
SET @ddl = IF(
    EXISTS (SELECT 1 FROM information_schema.columns
            WHERE table_schema = DATABASE() AND table_name = 'endereco' AND column_name = 'cidade_busca'),
    'DO 0',
    'ALTER TABLE `endereco`
        ADD COLUMN `cidade_busca` VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL AFTER `cidade`'
);
PREPARE ddl FROM @ddl;
EXECUTE ddl;
DEALLOCATE PREPARE ddl
