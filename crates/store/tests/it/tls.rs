//! TLS to PostgreSQL.

use std::path::PathBuf;

use gatepost_store::{Location, PostgresUrl, Sql, Store, StoreError, StoreOptions, params};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::postgres::{self, Postgres};
use crate::support::Folder;

static ENCRYPTED: Sql = Sql::new("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");

/// A server with a certificate for `localhost`, and the certificate of the authority that vouches for it.
fn server(folder: &Folder) -> Option<(Postgres, PathBuf)> {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new([String::from("localhost")]).unwrap().signed_by(&key, &issuer).unwrap();
    let files = [
        ("ca.pem", authority_certificate.pem()),
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ];
    for (name, text) in files {
        std::fs::write(folder.file(name), text).unwrap();
    }
    if postgres::shared().is_some() {
        postgres::give(&folder.file("server.crt"));
        postgres::give(&folder.file("server.key"));
    }
    let setting = |name: &str, file: &str| format!("{name}='{}'", folder.file(file).display());
    let (certificate, key) = (setting("ssl_cert_file", "server.crt"), setting("ssl_key_file", "server.key"));
    let server = Postgres::start(&["ssl=on", &certificate, &key])?;
    Some((server, folder.file("ca.pem")))
}

fn open(url: &str, ca_file: Option<PathBuf>) -> Result<Store, StoreError> {
    let mut options = StoreOptions::default();
    options.postgres.ca_file = ca_file;
    Store::open(&Location::Postgres(PostgresUrl::new(url)), options)
}

#[tokio::test]
async fn a_server_is_trusted_if_its_authority_is_and_its_name_is_right() {
    let folder = Folder::new();
    let Some((server, authority)) = server(&folder) else { return };
    let by_address = format!("{}&sslmode=require", server.schema());
    let by_name = by_address.replace("127.0.0.1", "localhost");
    let store = open(&by_name, Some(authority.clone())).unwrap();
    let encrypted = |tx: &gatepost_store::Tx<'_>| tx.one(&ENCRYPTED, params![], |row| row.get::<bool>(0));
    assert_eq!((store.read(encrypted).await, store.write(encrypted).await), (Ok(true), Ok(true)));
    for (url, authority) in [(&by_name, None), (&by_address, Some(authority))] {
        let refused = open(url, authority).err().unwrap();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    }
    let unusable = open(&by_name, Some(folder.file("server.key"))).err().unwrap();
    assert!(matches!(&unusable, StoreError::Open(reason) if reason.contains("server.key")), "{unusable}");
}
