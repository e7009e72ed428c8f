//! Who may ask: the users file, password hashes, and the memory of verified
//! logins that makes a repeated login cost microseconds.
//!
//! What lives here knows nothing of HTTP: [`Logins`] takes the value of an
//! `Authorization` header and answers with a [`Login`] or a reason: who it is, and what the
//! login is for ([`Rights`]). Guards on fields read the requester from the request's context.

mod logins;
mod password;
mod rights;
mod throttle;
mod users;

pub use logins::{Denied, Login, Logins, credentials};
pub use password::{Hash, PasswordRule, hash, random_password};
pub use rights::Rights;
pub use users::{User, Users, UsersError, UsersFile, private_file};
