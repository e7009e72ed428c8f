-- The words that are searched, each in a form that every server indexes: its own rules
-- pass over TV, 4K and "com", and cut C++ short.
SET @ddl = IF(
    EXISTS (SELECT 1 FROM information_schema.columns
            WHERE table_schema = DATABASE() AND table_name = 'catalogo' AND column_name = 'busca'),
    'DO 0',
    'ALTER TABLE `catalogo`
        ADD COLUMN `busca` MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NULL AFTER `descricao`'
);
PREPARE ddl FROM @ddl;
EXECUTE ddl;
DEALLOCATE PREPARE ddl
