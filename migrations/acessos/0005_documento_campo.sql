-- What of the schema stands in an operation: fields, arguments, input fields, values of enums.
CREATE TABLE IF NOT EXISTS `documento_campo` (
    `assinatura` CHAR(32)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `campo`      VARCHAR(160) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (`assinatura`, `campo`),
    KEY `documento_campo_campo` (`campo`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
