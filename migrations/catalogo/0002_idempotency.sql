-- A record of every write, made in the write's own transaction: whoever repeats
-- a write, or does not know what became of it, finds the outcome here.
CREATE TABLE IF NOT EXISTS `idempotency` (
    `user_name`       VARCHAR(64)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `idempotency_key` VARCHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `generated`       BOOLEAN         NOT NULL,
    `operation`       VARCHAR(32)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `digest`          BINARY(32)      NOT NULL,
    `result`          BIGINT UNSIGNED NULL,
    `created_at`      DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (`user_name`, `idempotency_key`),
    KEY `idempotency_age` (`generated`, `created_at`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
