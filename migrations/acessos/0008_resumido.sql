-- Up to when minutes have been put together to hours (passo 1), and hours to days (2).
CREATE TABLE IF NOT EXISTS `resumido` (
    `passo` TINYINT UNSIGNED NOT NULL,
    `ate`   DATETIME         NOT NULL,
    PRIMARY KEY (`passo`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
