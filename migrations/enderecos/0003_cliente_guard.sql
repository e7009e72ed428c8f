-- What this store must know about clients who live elsewhere: a row is locked by
-- every write here that refers to one, and says whether it has been removed.
CREATE TABLE IF NOT EXISTS `cliente_guard` (
    `id`         BIGINT UNSIGNED NOT NULL,
    `removed_at` DATETIME(6)     NULL,
    `sales_kept` BOOLEAN         NOT NULL DEFAULT FALSE,
    PRIMARY KEY (`id`),
    KEY `cliente_guard_removed_at` (`removed_at`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
