//! HTTPS: from files, reloaded, refused with a reason when they cannot be used.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use quarteto::config::{PeerAccess, TlsFiles};
use quarteto::db::{BreakerLimits, PerStore, Store};
use quarteto::http::{HttpLimits, Tls};
use quarteto::peers::Remote;
use quarteto::reload::Reloaded as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::TestApp;
use crate::support::app::{PASSWORD, Served};

/// A certificate for `localhost` that signs itself.
struct Pair {
    cert: String,
    key: String,
    der: CertificateDer<'static>,
}

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    Pair { cert: made.cert.pem(), key: made.signing_key.serialize_pem(), der: made.cert.der().clone() }
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { cert: folder.join("cert.pem"), key: folder.join("key.pem") }
}

fn write(files: &TlsFiles, pair: &Pair) {
    fs::write(&files.cert, &pair.cert).expect("written");
    fs::write(&files.key, &pair.key).expect("written");
}

/// Asks `/healthz` trusting only this certificate; what came, or that the
/// certificate was another.
async fn ask(address: &str, trusted: &Pair) -> Result<String, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der.clone()).expect("a certificate");
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = "localhost".try_into().expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut said = String::new();
    // Whether a farewell comes before the end does not matter here.
    let _ = stream.read_to_string(&mut said).await;
    Ok(said)
}

#[tokio::test]
async fn a_certificate_is_served_and_reloaded_and_half_a_change_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, old, new) = (files(folder.path()), pair(), pair());
    write(&files, &old);
    let tls = Arc::new(Tls::open(files.clone()).expect("a pair"));
    let bounds = HttpLimits { is_https: true, ..HttpLimits::default() };
    let app = TestApp::served(Served { bounds, tls: Some(Arc::clone(&tls)), ..Served::default() }).await;

    let said = ask(app.address(), &old).await.expect("trusted");
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("ok\n"), "{said}");
    assert!(said.contains("strict-transport-security: max-age=63072000\r\n"), "{said}");
    assert!(ask(app.address(), &new).await.is_err(), "another certificate is not trusted");

    // Half of the change: the certificate is new, the key is not.
    fs::write(&files.cert, &new.cert).expect("written");
    assert!(tls.read().is_err());
    assert!(ask(app.address(), &old).await.is_ok(), "the old pair stays");
    fs::write(&files.key, &new.key[..40]).expect("written");
    assert!(tls.read().is_err());
    assert!(ask(app.address(), &old).await.is_ok(), "the old pair stays");
    // And the rest.
    fs::write(&files.key, &new.key).expect("written");
    tls.read().expect("a pair")();
    assert!(ask(app.address(), &new).await.is_ok());
    assert!(ask(app.address(), &old).await.is_err());
}

#[tokio::test]
async fn plain_http_is_not_answered_where_https_is_spoken() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = files(folder.path());
    write(&files, &pair());
    let tls = Some(Arc::new(Tls::open(files).expect("a pair")));
    let app = TestApp::served(Served { tls, ..Served::default() }).await;
    let mut stream = TcpStream::connect(app.address()).await.expect("connected");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sent");
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP"));
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = files(folder.path());
    let (one, other) = (pair(), pair());
    let refusal = |cert: Option<&str>, key: Option<&str>| {
        for (path, text) in [(&files.cert, cert), (&files.key, key)] {
            let _ = fs::remove_file(path);
            if let Some(text) = text {
                fs::write(path, text).expect("written");
            }
        }
        let files = files.clone();
        async move { Tls::open(files).err().expect("refused").to_string() }
    };
    let encrypted = one.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (cert, key, setting, file, remedy) in [
        (None, Some(&*one.key), "http.tls_cert", "cert.pem", "name a file that is there"),
        (Some(&*one.cert), None, "http.tls_key", "key.pem", "name a file that is there"),
        (
            Some(""),
            Some(&*one.key),
            "http.tls_cert",
            "cert.pem",
            "holds no `-----BEGIN CERTIFICATE-----` section",
        ),
        (
            Some(&*one.key),
            Some(&*one.key),
            "http.tls_cert",
            "cert.pem",
            "holds no `-----BEGIN CERTIFICATE-----`",
        ),
        (
            Some(&*one.cert),
            Some(&*one.cert),
            "http.tls_key",
            "key.pem",
            "holds no `-----BEGIN PRIVATE KEY-----`",
        ),
        (Some(&*one.cert), Some(&*encrypted), "http.tls_key", "key.pem", "decrypt it with `openssl pkey`"),
        (
            Some(&*one.cert),
            Some(&*other.key),
            "http.tls_key",
            "key.pem",
            "the key that this certificate was made for",
        ),
        (Some(&one.cert[..60]), Some(&*one.key), "http.tls_cert", "cert.pem", "cannot be used together"),
    ] {
        let error = refusal(cert, key).await;
        for part in [setting, file, remedy] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}

#[test]
fn the_program_says_https_or_why_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let quarteto = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarteto"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QUARTETO_")) {
            command.env_remove(name);
        }
        command.current_dir(folder.path()).arg("serve").envs(variables.iter().copied());
        let output = command.output().expect("it runs");
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let error = quarteto(&[("QUARTETO_LISTEN", "127.0.0.1:0"), ("QUARTETO_TLS_CERT", "cert.pem")]);
    assert!(error.contains("http.tls_cert and http.tls_key go together"), "{error}");
    let both = [("QUARTETO_TLS_CERT", "cert.pem"), ("QUARTETO_TLS_KEY", "key.pem")];
    let error = quarteto(&[&[("QUARTETO_LISTEN", "0.0.0.0:0")], &both[..]].concat());
    assert!(error.contains("http.tls_cert: cannot read cert.pem"), "{error}");
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let error = quarteto(&[("QUARTETO_LISTEN", open)]);
        for part in [open, "http.tls_cert", "http.behind_proxy = true", "QUARTETO_BEHIND_PROXY"] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
    assert!(!folder.path().join(".quarteto").exists(), "nothing was started for it");
}

/// The files that a store's URL names are looked at before anything is started.
#[test]
fn the_files_of_a_store_s_tls_are_named_with_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("empty.pem"), "").expect("written");
    let made = pair();
    fs::write(folder.path().join("cert.pem"), &made.cert).expect("written");
    fs::write(folder.path().join("key.pem"), &made.key).expect("written");
    for (parameters, told) in [
        ("ssl-mode=VERIFY_CA&ssl-ca=ca.pem", "`ssl-ca` cannot be read: ca.pem: No such file"),
        ("ssl-mode=VERIFY_CA&ssl-ca=empty.pem", "`ssl-ca`: empty.pem holds no `-----BEGIN CERTIFICATE-----`"),
        ("ssl-ca=cert.pem", "`ssl-ca` is looked at with ssl-mode=VERIFY_CA or VERIFY_IDENTITY alone"),
        ("ssl-mode=REQUIRED&ssl-cert=cert.pem", "`ssl-cert` and `ssl-key` go together"),
        ("ssl-mode=REQUIRED&ssl-cert=cert.pem&ssl-key=key.pem", ""),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarteto"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QUARTETO_")) {
            command.env_remove(name);
        }
        for store in Store::ALL {
            command.env(store.url_variable(), format!("mysql://root:segredo@127.0.0.1:1/{store}"));
        }
        let url = format!("mysql://root:segredo@127.0.0.1:1/enderecos?{parameters}");
        command.current_dir(folder.path()).args(["migrate"]).env(Store::Enderecos.url_variable(), url);
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && !said.contains("segredo"), "{said}");
        if told.is_empty() {
            assert!(said.contains("is the server running"), "{said}");
        } else {
            assert!(said.contains(&format!("QUARTETO_ENDERECOS_URL: {told}")), "{told} in {said}");
        }
    }
}

/// A sibling is believed for its certificate, and for nothing else.
#[tokio::test]
async fn siblings_are_reached_over_tls_and_their_certificates_are_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, own, other) = (files(folder.path()), pair(), pair());
    write(&files, &own);
    let tls = Arc::new(Tls::open(files.clone()).expect("a pair"));
    let bounds = HttpLimits { is_https: true, ..HttpLimits::default() };
    let app = TestApp::served(Served { bounds, tls: Some(tls), ..Served::default() }).await;
    let port = app.address().rsplit_once(':').expect("a port").1;
    let strange = folder.path().join("strange.pem");
    fs::write(&strange, &other.cert).expect("written");
    let query =
        "query($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }";
    let ask = async |ca: Option<&Path>, password: &str| {
        let base = format!("https://localhost:{port}").parse().expect("a URL");
        let access = PeerAccess {
            bases: PerStore::from_fn(|store| (store == Store::Clientes).then(|| Clone::clone(&base))),
            user: "servico".into(),
            password: password.into(),
            ca: ca.map(Path::to_owned),
            patience: std::time::Duration::from_secs(30),
            circuit: BreakerLimits::default(),
        };
        let siblings = Remote::all(Some(&access)).map_err(|error| error.to_string())?;
        let remote = siblings[Store::Clientes].as_ref().expect("there");
        let asked = vec![serde_json::json!({ "__typename": "Cliente", "id": "cliente_1" })];
        remote.entities("test", query, asked).await.map_err(|error| format!("{:?} {error}", error.fault))
    };
    let known = serde_json::json!({ "__typename": "Cliente" });
    assert_eq!(ask(Some(&files.cert), PASSWORD).await, Ok(vec![known]));
    for (ca, password, told) in [
        (None, PASSWORD, "Unavailable"),
        (Some(&strange), PASSWORD, "Unavailable"),
        (Some(&files.key), PASSWORD, "it holds no certificate"),
        (Some(&folder.path().join("nowhere")), PASSWORD, "federation.peer_ca"),
        (Some(&files.cert), "wrong", "QUARTETO_PEER_USER"),
    ] {
        let refused = ask(ca.map(std::path::PathBuf::as_path), password).await.expect_err(told);
        assert!(refused.contains(told), "{told}: {refused}");
    }
}
