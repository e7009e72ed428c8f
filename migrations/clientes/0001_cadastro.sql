-- Who: the register of clients.
CREATE TABLE IF NOT EXISTS `cadastro` (
    `id`              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `nome`            VARCHAR(120)    NOT NULL,
    `email`           VARCHAR(254)    NOT NULL,
    `cpf`             CHAR(11)        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `telefone`        VARCHAR(20)     NULL,
    `data_nascimento` DATE            NULL,
    `criado_em`       DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `atualizado_em`   DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (`id`),
    UNIQUE KEY `cadastro_email` (`email`),
    UNIQUE KEY `cadastro_cpf` (`cpf`),
    KEY `cadastro_nome` (`nome`, `id`),
    KEY `cadastro_criado_em` (`criado_em`, `id`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
