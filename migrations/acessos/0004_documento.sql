-- Operations, without the values that stood in them.
CREATE TABLE IF NOT EXISTS `documento` (
    `assinatura` CHAR(32)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `nome`       VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `tipo`       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `texto`      MEDIUMTEXT  NOT NULL,
    `primeiro`   DATETIME    NOT NULL,
    `ultimo`     DATETIME    NOT NULL,
    PRIMARY KEY (`assinatura`),
    KEY `documento_ultimo` (`ultimo`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
