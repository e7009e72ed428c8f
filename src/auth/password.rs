//! Password hashes: argon2id (PHC strings) and bcrypt (`htpasswd -B`).

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use rand::RngExt as _;

use crate::text::nfc;

/// The output of argon2id, by the crate's and the command line tool's default.
const ARGON2_BYTES: usize = 32;
/// The length of a bcrypt hash.
const BCRYPT_LENGTH: usize = 60;

/// A hash as it stands in the users file, checked to be one we can verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hash(String);

impl Hash {
    /// Reads an argon2id PHC string or a bcrypt hash.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let known = if text.starts_with("$argon2id$") {
            // Shorter, it may have been cut off.
            let is_whole = |hash: PasswordHash| hash.hash.is_some_and(|output| output.len() == ARGON2_BYTES);
            PasswordHash::new(text).is_ok_and(|hash| hash.salt.is_some() && is_whole(hash))
        } else {
            is_bcrypt(text) && text.len() == BCRYPT_LENGTH && text.parse::<bcrypt::HashParts>().is_ok()
        };
        known.then(|| Self(text.to_owned())).ok_or(
            "the hash must be argon2id ($argon2id$…) or bcrypt ($2y$…); make one with `quarteto user add`",
        )
    }

    /// Whether this is the hash of `password`. Slow by design: tens of
    /// milliseconds, on a thread that may block; twice that for a password that is
    /// not in Normalization Form C, which may have been hashed either way.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        let normal = std::str::from_utf8(password).ok().map(|text| nfc(text.to_owned()));
        let other = normal.filter(|normal| normal.as_bytes() != password);
        other.is_some_and(|normal| self.is_of(normal.as_bytes())) || self.is_of(password)
    }

    fn is_of(&self, password: &[u8]) -> bool {
        if is_bcrypt(&self.0) {
            return bcrypt::verify(password, &self.0).unwrap_or(false);
        }
        PasswordHash::new(&self.0)
            .is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
    }

    /// As it stands in the file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_bcrypt(text: &str) -> bool {
    ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix))
}

/// What a new password must be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordRule {
    /// Too short to be guessed slowly.
    #[error("the password must have at least 8 characters")]
    TooShort,
    /// Longer than a header may be.
    #[error("the password must have at most 256 bytes")]
    TooLong,
    /// The system gave no randomness, or no memory.
    #[error("the password could not be hashed: {0}")]
    Hashing(String),
}

/// A new argon2id hash (19 MiB, 2 passes: OWASP's minimum, the crate's default) of the
/// password in Normalization Form C (RFC 7617, section 2.1).
///
/// # Errors
/// [`PasswordRule`].
pub fn hash(password: &str) -> Result<Hash, PasswordRule> {
    if password.chars().count() < 8 {
        return Err(PasswordRule::TooShort);
    }
    if password.len() > 256 {
        return Err(PasswordRule::TooLong);
    }
    Argon2::default()
        .hash_password(nfc(password.to_owned()).as_bytes())
        .map(|hash| Hash(hash.to_string()))
        .map_err(|error| PasswordRule::Hashing(error.to_string()))
}

/// A password for the first user: 20 letters and digits that are hard to
/// mistake for each other, about 115 bits.
#[must_use]
pub fn random_password() -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789";
    let mut random = rand::rng();
    (0..20).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifies_its_own_hashes_and_those_of_htpasswd() {
        let own = hash("abacaxi-com-hortelã").expect("hashed");
        assert!(own.verify("abacaxi-com-hortelã".as_bytes()));
        assert!(own.verify("abacaxi-com-hortela\u{303}".as_bytes()), "as a Mac writes it");
        assert!(hash("abacaxi-com-hortela\u{303}").expect("hashed").verify("abacaxi-com-hortelã".as_bytes()));
        assert!(!own.verify(b"abacaxi"));
        assert_eq!(Hash::parse(own.as_str()).as_ref(), Ok(&own));
        let cost_4 = bcrypt::hash("segredo-longo", 4).expect("hashed");
        let theirs = Hash::parse(&cost_4.replacen("$2b$", "$2y$", 1)).expect("bcrypt");
        assert!(theirs.verify(b"segredo-longo"));
        assert!(!theirs.verify(b"segredo-longa"));
    }

    #[test]
    fn refuses_hashes_that_it_cannot_verify() {
        for text in [
            "",
            "plain",
            "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "$apr1$x$y",
            "$argon2id$v=19",
            "$argon2id$v=19$m=19",
            "$2y$10$short",
            "$6$rounds=5000$x$y",
        ] {
            assert!(Hash::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn random_passwords_differ_and_pass_the_rule() {
        let (one, other) = (random_password(), random_password());
        assert_ne!(one, other);
        assert_eq!(one.len(), 20);
    }
}
