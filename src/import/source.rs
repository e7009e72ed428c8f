//! Where rows come from: a file ([`File`](super::File)) or a table of an old database
//! ([`Table`](super::Table)).

use std::future::Future;

use csv::ByteRecord;

use super::{ImportError, Layout};

/// The values of a row, by the columns of the source; or why they cannot be read.
pub type Values = Result<Vec<Option<String>>, String>;

/// A row as it came.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line on which it begins, or its number.
    pub place: u64,
    /// As it stood there, for those who mend it.
    pub raw: ByteRecord,
    /// What it says.
    pub values: Values,
}

/// What yields rows, one at a time, in bounded memory.
pub trait Source: Send {
    /// What its columns are called.
    fn names(&self) -> &[String];

    /// What rejected rows are written with.
    fn layout(&self) -> Layout;

    /// How far it has come, of its whole size.
    fn reached(&self) -> u64;

    /// The next row; none at the end. Blank rows are passed over.
    ///
    /// # Errors
    /// Those of the source as a whole. A row that cannot be read is a row.
    fn next(&mut self) -> impl Future<Output = Result<Option<Row>, ImportError>> + Send;
}
