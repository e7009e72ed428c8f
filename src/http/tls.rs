//! HTTPS from two PEM files, read again when they change.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum_server::tls_rustls::RustlsConfig;

use crate::config::TlsFiles;
use crate::mark::Mark;

/// Why HTTPS cannot be spoken: the file, the rule, the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// A certificate and its key, in force for every new connection.
pub struct Tls {
    files: TlsFiles,
    config: RustlsConfig,
    mark: Mutex<Mark>,
}

impl Tls {
    /// Reads the two files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub async fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let mark = mark(&files);
        let config = read(&files).await?;
        Ok(Self { files, config, mark: Mutex::new(mark) })
    }

    /// Reads the files again when one has changed. The two are replaced one
    /// after the other, so for a moment they may not fit: then the old pair stays
    /// until they do.
    pub async fn reload(&self) {
        let now = mark(&self.files);
        if std::mem::replace(&mut *self.mark.lock().unwrap_or_else(PoisonError::into_inner), now.clone())
            == now
        {
            return;
        }
        match read(&self.files).await {
            Ok(fresh) => {
                self.config.reload_from_config(fresh.get_inner());
                tracing::info!("certificate reloaded");
            }
            Err(error) => {
                tracing::warn!(%error, "the certificate changed but cannot be used; the old one stays");
            }
        }
    }

    /// What connections are accepted with.
    pub(super) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }
}

fn mark(files: &TlsFiles) -> Mark {
    Mark::of([&files.cert, &files.key])
}

/// The pair, checked to belong together, for HTTP/1.1: the deadlines that cut
/// slow clients are those of HTTP/1.
async fn read(files: &TlsFiles) -> Result<RustlsConfig, TlsError> {
    let cert = pem("http.tls_cert", &files.cert, "CERTIFICATE").await?;
    let key = pem("http.tls_key", &files.key, "PRIVATE KEY").await?;
    let (cert_file, key_file) = (files.cert.display(), files.key.display());
    let pair = RustlsConfig::from_pem(cert, key).await.map_err(|error| {
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
async fn pem(setting: &str, path: &Path, kind: &str) -> Result<Vec<u8>, TlsError> {
    let bytes = tokio::fs::read(path).await.map_err(|error| {
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
