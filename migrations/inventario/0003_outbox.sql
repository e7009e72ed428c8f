-- What is still to be done in other stores, written in the transaction that
-- began it here. A row is worked on by whoever holds its lease, and deleted when
-- everything is done.
CREATE TABLE IF NOT EXISTS `outbox` (
    `id`          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `task`        VARCHAR(32)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `target`      BIGINT UNSIGNED NOT NULL,
    `policy`      VARCHAR(32)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `created_at`  DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `due_at`      DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `attempts`    INT UNSIGNED    NOT NULL DEFAULT 0,
    `owner`       CHAR(36)        CHARACTER SET ascii COLLATE ascii_bin NULL,
    `lease_until` DATETIME(6)     NULL,
    `fence`       BIGINT UNSIGNED NOT NULL DEFAULT 0,
    `parked_at`   DATETIME(6)     NULL,
    `last_error`  VARCHAR(500)    NULL,
    PRIMARY KEY (`id`),
    UNIQUE KEY `outbox_task` (`task`, `target`),
    KEY `outbox_due` (`parked_at`, `due_at`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
