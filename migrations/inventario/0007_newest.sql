-- Newest means the newest moment, for a client and for a product: purchases of earlier
-- years may have been entered yesterday.
SET @ddl = IF(
    EXISTS (SELECT 1 FROM information_schema.statistics
            WHERE table_schema = DATABASE() AND table_name = 'inventario' AND index_name = 'inventario_cliente_adquirido'),
    'DO 0',
    'ALTER TABLE `inventario`
        ADD KEY `inventario_cliente_adquirido` (`id_cliente`, `adquirido_em`, `id`),
        ADD KEY `inventario_produto_adquirido` (`id_produto`, `adquirido_em`, `id`),
        DROP KEY `inventario_cliente`,
        DROP KEY `inventario_produto`'
);
PREPARE ddl FROM @ddl;
EXECUTE ddl;
DEALLOCATE PREPARE ddl
