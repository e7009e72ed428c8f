-- Where: the addresses of clients, who live in another store.
CREATE TABLE IF NOT EXISTS `endereco` (
    `id`            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id_cliente`    BIGINT UNSIGNED NOT NULL,
    `logradouro`    VARCHAR(160)    NOT NULL,
    `numero`        VARCHAR(20)     NOT NULL,
    `complemento`   VARCHAR(80)     NULL,
    `bairro`        VARCHAR(80)     NULL,
    `cidade`        VARCHAR(80)     NOT NULL,
    `uf`            CHAR(2)         CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `cep`           CHAR(8)         CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `pais`          CHAR(2)         CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'BR',
    `criado_em`     DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `atualizado_em` DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (`id`),
    KEY `endereco_cliente` (`id_cliente`, `id`),
    KEY `endereco_uf_cidade` (`uf`, `cidade`, `id`),
    KEY `endereco_cidade` (`cidade`, `id`),
    KEY `endereco_cep` (`cep`, `id`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
