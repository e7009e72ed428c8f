-- Each run of the program.
CREATE TABLE IF NOT EXISTS `instancia` (
    `id`       CHAR(32)        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `nome`     VARCHAR(128)    CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `versao`   VARCHAR(32)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `inicio`   DATETIME        NOT NULL,
    `ultimo`   DATETIME        NOT NULL,
    `perdidas` BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (`id`),
    KEY `instancia_ultimo` (`ultimo`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
