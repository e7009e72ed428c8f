-- What was done for people who asked for their data, or for its removal: by the number
-- of the client, which means nothing once the client is gone. No name, no CPF.
CREATE TABLE IF NOT EXISTS `titular` (
    `id`        CHAR(36)        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `pedido`    VARCHAR(16)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `cliente`   BIGINT UNSIGNED NOT NULL,
    `compras`   VARCHAR(16)     CHARACTER SET ascii COLLATE ascii_bin NULL,
    `feito_em`  DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `feito_por` VARCHAR(64)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `enderecos` BIGINT UNSIGNED NOT NULL,
    `vendas`    BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (`id`),
    KEY `titular_feito_em` (`feito_em`, `id`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
