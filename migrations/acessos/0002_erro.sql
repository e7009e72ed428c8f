-- Errors in answers, by code, place in the answer and store.
CREATE TABLE IF NOT EXISTS `erro` (
    `passo`      TINYINT UNSIGNED NOT NULL,
    `inicio`     DATETIME         NOT NULL,
    `instancia`  CHAR(32)         CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `assinatura` CHAR(32)         CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `programa`   VARCHAR(64)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `versao`     VARCHAR(64)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `codigo`     VARCHAR(64)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `caminho`    VARCHAR(160)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `store`      VARCHAR(16)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `vezes`      BIGINT UNSIGNED  NOT NULL,
    PRIMARY KEY (`passo`, `inicio`, `instancia`, `assinatura`, `programa`, `versao`, `codigo`, `caminho`, `store`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
