//! The users file: a line a user, `nome:hash:papel`. Names are compared in Normalization
//! Form C, whoever wrote the file.
//!
//! It is an htpasswd file whose third field (a comment to nginx) is the papel;
//! without one a user is a LEITOR. Blank lines and lines that begin with `#` are
//! kept as they are.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::password::Hash;
use super::rights::Rights;
use crate::kernel::Papel;
use crate::text::{nfc, stray};

/// One user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The login name.
    pub nome: Arc<str>,
    /// The hash of the password.
    pub hash: Hash,
    /// What the login is for.
    pub rights: Rights,
}

/// All users, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users(HashMap<Arc<str>, User>);

impl Users {
    /// A user by name.
    #[must_use]
    pub fn get(&self, nome: &str) -> Option<&User> {
        self.0.get(nome)
    }

    /// Any user: whoever it is, verifying a password against their hash costs
    /// what a real verification costs.
    #[must_use]
    pub fn any(&self) -> Option<&User> {
        self.0.values().next()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a users file cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A line breaks a rule.
    #[error("{path}, line {line}: {rule}")]
    Line {
        /// The file.
        path: String,
        /// Counted from 1.
        line: usize,
        /// The rule.
        rule: String,
    },
    /// The user is there already.
    #[error("the user `{0}` exists already; change the password with `quarteto user passwd {0}`")]
    Exists(String),
    /// There is no such user.
    #[error("there is no user `{0}`; see `quarteto user list`")]
    Unknown(String),
    /// The name breaks a rule.
    #[error(
        "the user name `{0}` must have 1 to 64 characters, no colon, no control or invisible character, no blank at its ends, and must not begin with #"
    )]
    Name(String),
}

/// A users file on disk.
#[derive(Clone, Debug)]
pub struct UsersFile(PathBuf);

impl UsersFile {
    /// The file at `path`, which may not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether it is there.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.0.exists()
    }

    /// Reads all users.
    ///
    /// # Errors
    /// [`UsersError`]: one bad line refuses the whole file, and so does a last line without
    /// its end, so that a half-written one never counts.
    pub fn read(&self) -> Result<Users, UsersError> {
        let text = fs::read_to_string(&self.0).map_err(|error| self.failed(&error))?;
        if !text.is_empty() && !text.ends_with('\n') {
            return Err(UsersError::Line {
                path: self.0.display().to_string(),
                line: text.lines().count(),
                rule: "the last line has no line feed at its end, as in a file that is half-written".into(),
            });
        }
        self.parse(&nfc(text))
    }

    fn parse(&self, text: &str) -> Result<Users, UsersError> {
        let mut users = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let refuse = |rule: String| UsersError::Line {
                path: self.0.display().to_string(),
                line: number + 1,
                rule,
            };
            let user = parse_line(line).map_err(refuse)?;
            if let Some(twin) = users.insert(Arc::clone(&user.nome), user) {
                return Err(refuse(format!("the user `{}` appears twice", twin.nome)));
            }
        }
        Ok(Users(users))
    }

    /// Adds a user; the file is made when missing, readable by its owner alone.
    ///
    /// # Errors
    /// [`UsersError`]; then the file is as it was.
    pub fn add(&self, nome: &str, hash: &Hash, rights: impl Into<Rights>) -> Result<(), UsersError> {
        let nome = nfc(nome.to_owned());
        check_new_name(&nome)?;
        let text = self.text()?;
        if self.parse(&text)?.get(&nome).is_some() {
            return Err(UsersError::Exists(nome));
        }
        let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let line = format!("{nome}:{}:{}", hash.as_str(), rights.into().name());
        self.replace(&format!("{text}{separator}{line}\n"))
    }

    /// Changes a user's password.
    ///
    /// # Errors
    /// [`UsersError`]; then the file is as it was.
    pub fn set_password(&self, nome: &str, hash: &Hash) -> Result<(), UsersError> {
        let nome = &nfc(nome.to_owned());
        let rights = self.rights_of(nome)?;
        self.edit(nome, Some(&format!("{nome}:{}:{}", hash.as_str(), rights.name())))
    }

    /// Removes a user.
    ///
    /// # Errors
    /// [`UsersError`]; then the file is as it was.
    pub fn remove(&self, nome: &str) -> Result<(), UsersError> {
        let nome = &nfc(nome.to_owned());
        self.rights_of(nome)?;
        self.edit(nome, None)
    }

    /// All users, in the order of the file.
    ///
    /// # Errors
    /// [`UsersError`].
    pub fn list(&self) -> Result<Vec<(String, Rights)>, UsersError> {
        let text = self.text()?;
        let users = self.parse(&text)?;
        let named =
            |line: &str| users.get(line.split(':').next()?).map(|user| (user.nome.to_string(), user.rights));
        Ok(text.lines().filter_map(named).collect())
    }

    fn rights_of(&self, nome: &str) -> Result<Rights, UsersError> {
        let users = self.parse(&self.text()?)?;
        users.get(nome).map(|user| user.rights).ok_or_else(|| UsersError::Unknown(nome.to_owned()))
    }

    fn edit(&self, nome: &str, replacement: Option<&str>) -> Result<(), UsersError> {
        let mut lines = Vec::new();
        for line in self.text()?.lines() {
            if line.split(':').next() == Some(nome) {
                lines.extend(replacement.map(str::to_owned));
            } else {
                lines.push(line.to_owned());
            }
        }
        self.replace(&(lines.join("\n") + "\n"))
    }

    fn text(&self) -> Result<String, UsersError> {
        match fs::read_to_string(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            read => read.map(nfc).map_err(|error| self.failed(&error)),
        }
    }

    /// Writes a new file beside the old one and renames it: a reader sees the
    /// old or the new, never half of one.
    fn replace(&self, text: &str) -> Result<(), UsersError> {
        let write = || {
            if let Some(folder) = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                fs::create_dir_all(folder)?;
            }
            let fresh = self.0.with_extension("new");
            let mut file = private_file(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &self.0)
        };
        write().map_err(|error: std::io::Error| self.failed(&error))
    }

    fn failed(&self, error: &std::io::Error) -> UsersError {
        UsersError::File { path: self.0.display().to_string(), reason: error.to_string() }
    }
}

/// Makes a file anew that its owner alone may read.
///
/// # Errors
/// What the system says.
pub fn private_file(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // One that is there may be open to others.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

fn parse_line(line: &str) -> Result<User, String> {
    let mut fields = line.splitn(3, ':');
    let (Some(nome), Some(hash)) = (fields.next(), fields.next()) else {
        return Err("a line must look like nome:hash:papel".into());
    };
    check_name(nome).map_err(|error| error.to_string())?;
    let rights = match fields.next() {
        None | Some("") => Rights::Asks(Papel::Leitor),
        Some(papel) => papel.parse()?,
    };
    Ok(User { nome: Arc::from(nome), hash: Hash::parse(hash)?, rights })
}

fn check_name(nome: &str) -> Result<(), UsersError> {
    let sound = (1..=64).contains(&nome.chars().count())
        && !nome.chars().any(|c| c == ':' || c.is_control())
        && !nome.starts_with(['#', ' ']);
    sound.then_some(()).ok_or_else(|| UsersError::Name(nome.to_owned()))
}

/// What a new name must keep besides; files of earlier versions may hold others.
fn check_new_name(nome: &str) -> Result<(), UsersError> {
    check_name(nome)?;
    let sound = nome.trim() == nome && stray(nome).is_none();
    sound.then_some(()).ok_or_else(|| UsersError::Name(nome.to_owned()))
}
