-- A number that each instance writes again and again where the store has replicas, and
-- looks for there: a replica that shows it has all that was committed before it.
CREATE TABLE IF NOT EXISTS `heartbeat` (
    `instance`   CHAR(36)        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `beat`       BIGINT UNSIGNED NOT NULL,
    `written_at` DATETIME(6)     NOT NULL,
    PRIMARY KEY (`instance`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
