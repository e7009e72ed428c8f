-- Input fields and values of enums that came in variables. Those that stand in a document
-- are in `documento_campo`.
CREATE TABLE IF NOT EXISTS `entrada` (
    `passo`      TINYINT UNSIGNED NOT NULL,
    `inicio`     DATETIME         NOT NULL,
    `instancia`  CHAR(32)         CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `assinatura` CHAR(32)         CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `programa`   VARCHAR(64)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `versao`     VARCHAR(64)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `usuario`    VARCHAR(64)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `campo`      VARCHAR(160)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `vezes`      BIGINT UNSIGNED  NOT NULL,
    PRIMARY KEY (`passo`, `inicio`, `instancia`, `assinatura`, `programa`, `versao`, `usuario`, `campo`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
