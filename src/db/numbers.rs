//! The error numbers of servers, and of what stands before them: what each means, in one
//! table. What is not in it is our mistake. Branch on the number and never on the text,
//! which differs between servers and languages.
//!
//! Sources: MariaDB, "MariaDB Error Codes"; MySQL, "Server Error Message Reference" of 9.x;
//! Galera, "Troubleshooting"; Group Replication, the errors of its commit hooks; `ProxySQL`,
//! "`proxysql_errors`". Those that are marked were provoked: (M) MariaDB 10.11, (9) MySQL 9,
//! (G) Galera, (R) Group Replication.

use super::Fault;

/// Number, what it means for us, and what the server calls it.
const NUMBERS: [(u16, Fault, &str); 43] = [
    (1062, Fault::Duplicate, "ER_DUP_ENTRY (M, 9)"),
    (1586, Fault::Duplicate, "ER_DUP_ENTRY_WITH_KEY_NAME"),
    // The whole transaction was undone, for the sake of another.
    (1213, Fault::Deadlock, "ER_LOCK_DEADLOCK; on Galera also at COMMIT (M, 9, G)"),
    (1020, Fault::Deadlock, "ER_CHECKREAD: the row changed since the snapshot (M)"),
    (3101, Fault::Deadlock, "ER_TRANSACTION_ROLLBACK_DURING_COMMIT: certification lost (R)"),
    (1205, Fault::Locked, "ER_LOCK_WAIT_TIMEOUT: the statement alone was undone (M, 9)"),
    // Nobody knows whether it was kept.
    (1180, Fault::OutcomeUnknown, "ER_ERROR_DURING_COMMIT (G)"),
    (3100, Fault::OutcomeUnknown, "ER_RUN_HOOK_ERROR: the majority was lost at COMMIT (R)"),
    // The statement was ended, by a limit or by somebody.
    (3024, Fault::Slow, "ER_QUERY_TIMEOUT (9)"),
    (1969, Fault::Slow, "ER_STATEMENT_TIMEOUT of MariaDB (M)"),
    (1317, Fault::Slow, "ER_QUERY_INTERRUPTED (M, 9)"),
    // The server's last words on a connection; another one may do. Nothing was kept of what
    // was under way.
    (4031, Fault::Lost, "ER_CLIENT_INTERACTION_TIMEOUT: idle for too long (9)"),
    (3169, Fault::Lost, "ER_SESSION_WAS_KILLED of MySQL (9)"),
    (1927, Fault::Lost, "ER_CONNECTION_KILLED of MariaDB, and MaxScale for a server that is gone (M)"),
    (1053, Fault::Lost, "ER_SERVER_SHUTDOWN (M, 9)"),
    (1077, Fault::Lost, "ER_NORMAL_SHUTDOWN"),
    (1079, Fault::Lost, "ER_SHUTDOWN_COMPLETE"),
    (1080, Fault::Lost, "ER_FORCING_CLOSE"),
    (1152, Fault::Lost, "ER_ABORTING_CONNECTION"),
    (1184, Fault::Lost, "ER_NEW_ABORTING_CONNECTION"),
    (1156, Fault::Lost, "ER_NET_PACKETS_OUT_OF_ORDER"),
    (1158, Fault::Lost, "ER_NET_READ_ERROR"),
    (1159, Fault::Lost, "ER_NET_READ_INTERRUPTED"),
    (1160, Fault::Lost, "ER_NET_ERROR_ON_WRITE"),
    (1161, Fault::Lost, "ER_NET_WRITE_INTERRUPTED"),
    (2006, Fault::Lost, "CR_SERVER_GONE_ERROR, as ProxySQL says it of a server"),
    (2013, Fault::Lost, "CR_SERVER_LOST, as ProxySQL says it of a server"),
    // The connection is well and leads to the wrong server, or to one that refuses for now.
    (1047, Fault::Lost, "ER_UNKNOWN_COM_ERROR: a Galera node that is not in its cluster (G)"),
    (1290, Fault::Lost, "ER_OPTION_PREVENTS_STATEMENT: read-only after a failover (9, R)"),
    (1836, Fault::Lost, "ER_READ_ONLY_MODE"),
    (3032, Fault::Lost, "ER_SERVER_OFFLINE_MODE"),
    (3168, Fault::Unavailable, "ER_SERVER_ISNT_AVAILABLE"),
    (9001, Fault::Unavailable, "ProxySQL found no server in time"),
    // It will not answer before somebody acts.
    (1146, Fault::Unavailable, "ER_NO_SUCH_TABLE (M, 9)"),
    (1054, Fault::Unavailable, "ER_BAD_FIELD_ERROR (M, 9)"),
    (1049, Fault::Unavailable, "ER_BAD_DB_ERROR (M, 9)"),
    (1142, Fault::Unavailable, "ER_TABLEACCESS_DENIED_ERROR: rights were taken away (M)"),
    // Something is used up, until others give it back or somebody makes room.
    (1040, Fault::Busy, "ER_CON_COUNT_ERROR (M)"),
    (1203, Fault::Busy, "ER_TOO_MANY_USER_CONNECTIONS (M)"),
    (1226, Fault::Busy, "ER_USER_LIMIT_REACHED"),
    (1461, Fault::Busy, "ER_MAX_PREPARED_STMT_COUNT_REACHED"),
    (1021, Fault::Busy, "ER_DISK_FULL"),
    (1114, Fault::Busy, "ER_RECORD_FILE_FULL"),
];

/// What an error number means; nothing for those that are our mistake.
pub(super) fn meaning(number: u16) -> Option<Fault> {
    NUMBERS.iter().find(|(known, ..)| *known == number).map(|(_, fault, _)| *fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_stands_there_once_with_its_source() {
        for (place, (number, fault, source)) in NUMBERS.iter().enumerate() {
            assert_eq!(NUMBERS.iter().position(|(other, ..)| other == number), Some(place), "{number}");
            assert!(!source.is_empty() && *fault != Fault::Internal && *fault != Fault::Timeout, "{number}");
        }
        assert_eq!(meaning(1064), None);
        assert_eq!(meaning(3101), Some(Fault::Deadlock));
    }
}
