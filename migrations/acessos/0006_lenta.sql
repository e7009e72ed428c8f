-- The last slow operations, each with its statements (without their values).
CREATE TABLE IF NOT EXISTS `lenta` (
    `id`         CHAR(32)        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `quando`     DATETIME(6)     NOT NULL,
    `instancia`  CHAR(32)        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `assinatura` CHAR(32)        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `programa`   VARCHAR(64)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `versao`     VARCHAR(64)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `usuario`    VARCHAR(64)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `pedido`     VARCHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `resultado`  VARCHAR(16)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `micros`     BIGINT UNSIGNED NOT NULL,
    `custo`      BIGINT UNSIGNED NOT NULL,
    `detalhe`    MEDIUMTEXT      NOT NULL,
    PRIMARY KEY (`id`),
    KEY `lenta_quando` (`quando`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
