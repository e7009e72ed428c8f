-- Which client bought which product; both live in other stores.
-- The last two indexes hold every column that the aggregates read, so that a
-- client with fifty thousand purchases costs an index scan and no row look-up.
CREATE TABLE IF NOT EXISTS `inventario` (
    `id`                 BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id_cliente`         BIGINT UNSIGNED NOT NULL,
    `id_produto`         BIGINT UNSIGNED NOT NULL,
    `quantidade`         INT UNSIGNED    NOT NULL,
    `preco_unitario`     DECIMAL(12, 2)  NOT NULL,
    `adquirido_em`       DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `chave_idempotencia` VARCHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NULL,
    PRIMARY KEY (`id`),
    UNIQUE KEY `inventario_chave_idempotencia` (`chave_idempotencia`),
    KEY `inventario_cliente` (`id_cliente`, `id`),
    KEY `inventario_produto` (`id_produto`, `id`),
    KEY `inventario_produtos_do_cliente` (`id_cliente`, `id_produto`, `quantidade`, `preco_unitario`, `adquirido_em`),
    KEY `inventario_vendas_do_produto` (`id_produto`, `quantidade`, `preco_unitario`, `adquirido_em`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
