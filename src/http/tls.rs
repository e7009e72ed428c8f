//! HTTPS from two PEM files, read again when they change.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;

use crate::config::TlsFiles;
use crate::mark::Mark;
use crate::reload::{Reloaded, Take};

/// Why HTTPS cannot be spoken: the file, the rule, the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// A certificate and its key, in force for every new connection.
pub struct Tls {
    files: TlsFiles,
    config: RustlsConfig,
    opened: Mark,
}

impl Tls {
    /// Reads the two files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let opened = Mark::of([&files.cert, &files.key]);
        let config = read(&files)?;
        Ok(Self { files, config, opened })
    }

    /// What connections are accepted with.
    pub(super) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }
}

impl Reloaded for Tls {
    fn name(&self) -> &'static str {
        "certificate"
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.files.cert.clone(), self.files.key.clone()]
    }

    fn opened(&self) -> Mark {
        self.opened.clone()
    }

    /// The two are replaced one after the other, so for a moment they may not fit: then the
    /// old pair stays until they do.
    fn read(&self) -> Result<Take<'_>, String> {
        let fresh = read(&self.files).map_err(|error| error.to_string())?;
        Ok(Box::new(move || {
            self.config.reload_from_config(fresh.get_inner());
            self.files.cert.display().to_string()
        }))
    }
}

/// The pair, checked to belong together, for HTTP/1.1: the deadlines that cut
/// slow clients are those of HTTP/1.
fn read(files: &TlsFiles) -> Result<RustlsConfig, TlsError> {
    let cert = pem("http.tls_cert", &files.cert, "CERTIFICATE")?;
    let key = pem("http.tls_key", &files.key, "PRIVATE KEY")?;
    let (cert_file, key_file) = (files.cert.display(), files.key.display());
    // It wants to be waited for, and files are read where nobody may wait.
    let runtime = tokio::runtime::Handle::current();
    let made = std::thread::scope(|scope| {
        scope.spawn(|| runtime.block_on(RustlsConfig::from_pem(cert, key))).join()
    });
    let made = made.unwrap_or_else(|_| Err(std::io::Error::other("the files could not be read")));
    let pair = made.map_err(|error| {
        TlsError(format!(
            "the certificate {cert_file} (http.tls_cert) and the key {key_file} (http.tls_key) cannot be used \
             together: {error}; name the key that this certificate was made for"
        ))
    })?;
    let mut config = pair.get_inner().as_ref().clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

/// The bytes of a PEM file that holds at least one section of this kind.
fn pem(setting: &str, path: &Path, kind: &str) -> Result<Vec<u8>, TlsError> {
    let bytes = std::fs::read(path).map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::NotFound => "name a file that is there",
            ErrorKind::PermissionDenied => "let the user who runs Quarteto read it",
            _ => "name a PEM file",
        };
        TlsError(format!("{setting}: cannot read {}: {error}; {remedy}", path.display()))
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let holds = |what: &str| text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(what));
    if holds("ENCRYPTED PRIVATE KEY") {
        return Err(TlsError(format!(
            "{setting}: the key in {} is encrypted; decrypt it with `openssl pkey`",
            path.display()
        )));
    }
    if !holds(kind) {
        return Err(TlsError(format!(
            "{setting}: {} holds no `-----BEGIN {kind}-----` section; name a PEM file with one",
            path.display()
        )));
    }
    Ok(bytes)
}
