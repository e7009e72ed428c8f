-- What is sold: the product catalogue.
CREATE TABLE IF NOT EXISTS `catalogo` (
    `id`            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `nome`          VARCHAR(160)    NOT NULL,
    `descricao`     TEXT            NULL,
    `preco`         DECIMAL(12, 2)  NOT NULL,
    `disponivel`    BOOLEAN         NOT NULL DEFAULT TRUE,
    `criado_em`     DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `atualizado_em` DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (`id`),
    KEY `catalogo_nome` (`nome`, `id`),
    KEY `catalogo_preco` (`preco`, `id`),
    KEY `catalogo_criado_em` (`criado_em`, `id`),
    FULLTEXT KEY `catalogo_busca` (`nome`, `descricao`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
