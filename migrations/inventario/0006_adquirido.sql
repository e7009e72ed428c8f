-- Purchases by their moment, for `de` and `ate` of the listing; without it a
-- range that holds no purchase costs a walk through the whole table. MySQL knows no
-- CREATE INDEX IF NOT EXISTS, so the one DDL statement is asked for only where the
-- index is missing.
SET @ddl = IF(
    EXISTS (SELECT 1 FROM information_schema.statistics
            WHERE table_schema = DATABASE() AND table_name = 'inventario' AND index_name = 'inventario_adquirido'),
    'DO 0',
    'CREATE INDEX `inventario_adquirido` ON `inventario` (`adquirido_em`, `id`)'
);
PREPARE ddl FROM @ddl;
EXECUTE ddl;
DEALLOCATE PREPARE ddl
