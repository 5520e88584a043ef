//! How connections are made: the address, TLS, and what each is set to.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connection::Connection;
use super::errors::{from_connecting, unavailable};
use crate::error::StoreError;
use crate::location::PostgresUrl;
use crate::metrics::Counters;
use crate::options::StoreOptions;

/// The oldest server that is known to work.
const OLDEST_SERVER: u32 = 13;

/// What a dead network takes to be noticed by a connection that is used.
const DEAD_NETWORK: Duration = Duration::from_secs(15);

/// How long the server lets a transaction stand still. A node that is stopped in the middle of one would hold
/// its rows for ever; one that runs takes microseconds between statements.
const IDLE_TRANSACTION: Duration = Duration::from_secs(5);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Groups of writes.
    Write,
    /// Reads, which have a deadline.
    Read,
    /// The change feed.
    Feed,
    /// Migrations, which may take as long as they need.
    Migrate,
}

/// Makes connections to one database.
pub(super) struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
    connect_timeout: Duration,
    answer_timeout: Duration,
    read_deadline: Duration,
}

impl Connector {
    /// Reads the address and the certificates.
    ///
    /// # Errors
    /// [`StoreError::Open`] if one of them is not usable.
    pub(super) fn new(url: &PostgresUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        let mut config: Config = url
            .as_str()
            .parse()
            .map_err(|error: tokio_postgres::Error| StoreError::Open(describe_flaw(&error)))?;
        if config.get_application_name().is_none() {
            config.application_name("gatepost");
        }
        config.connect_timeout(options.postgres.connect_timeout);
        config.tcp_user_timeout(DEAD_NETWORK).keepalives_idle(DEAD_NETWORK);
        // Of several hosts only the one that takes writes will do: after a failover that is another one.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_ssl_mode() == SslMode::Prefer {
            // What may be left out protects nothing.
            config.ssl_mode(if is_local(&config) { SslMode::Disable } else { SslMode::Require });
        }
        Ok(Self {
            config,
            tls: tls(options.postgres.ca_file.as_deref())?,
            connect_timeout: options.postgres.connect_timeout,
            answer_timeout: options.postgres.answer_timeout,
            read_deadline: options.read_deadline,
        })
    }

    /// Makes a connection that `runtime` drives.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server cannot be reached or refuses; [`StoreError::Open`] if it is
    /// one that cannot be used.
    pub(super) fn connect(
        &self,
        runtime: &Rc<Runtime>,
        purpose: Purpose,
        counters: &Arc<Counters>,
    ) -> Result<Connection, StoreError> {
        // The driver bounds each address for itself, and nothing of what comes after the first byte.
        let within = self.connect_timeout.saturating_mul(2);
        let connecting = async { timeout(within, self.config.connect(self.tls.clone())).await };
        let connected = runtime.block_on(connecting).map_err(|_| unavailable("it did not answer in time"))?;
        let (client, driver) = connected.map_err(|error| from_connecting(&error))?;
        check_server(driver.parameter("server_version"), driver.parameter("server_encoding"))?;
        let patience = match purpose {
            Purpose::Read => self.read_deadline + Duration::from_secs(1),
            Purpose::Write | Purpose::Feed => self.answer_timeout,
            Purpose::Migrate => Duration::from_secs(24 * 60 * 60),
        };
        let connection =
            Connection::new((client, driver), (Rc::clone(runtime), Arc::clone(counters)), purpose, patience);
        connection.command(&self.settings(purpose))?;
        Ok(connection)
    }

    fn settings(&self, purpose: Purpose) -> String {
        let statement_timeout = match purpose {
            Purpose::Read => self.read_deadline,
            // The server gives up before this side does, so that the outcome is known.
            Purpose::Write | Purpose::Feed => self.answer_timeout.mul_f32(0.8),
            Purpose::Migrate => Duration::ZERO,
        };
        // A read that may take longer may also pause longer: a copy waits for what it is written to.
        let idle = if purpose == Purpose::Read {
            IDLE_TRANSACTION.max(self.read_deadline)
        } else {
            IDLE_TRANSACTION
        };
        let common = format!(
            "SET client_min_messages = error; SET statement_timeout = {}; \
             SET idle_in_transaction_session_timeout = {}",
            statement_timeout.as_millis(),
            idle.as_millis(),
        );
        match purpose {
            Purpose::Read => format!("{common}; SET default_transaction_read_only = on"),
            // What is answered must be durable; what goes beyond that (a standby, say) is left as it is set.
            _ => format!(
                "{common}; SELECT set_config('synchronous_commit', 'on', false) \
                 WHERE current_setting('synchronous_commit') = 'off'"
            ),
        }
    }
}

fn describe_flaw(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("its address is not one of PostgreSQL{cause}")
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    })
}

fn check_server(version: Option<&str>, encoding: Option<&str>) -> Result<(), StoreError> {
    let version = version.unwrap_or_default();
    let major: u32 = version.split(['.', ' ']).next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < OLDEST_SERVER {
        let needed = format!("PostgreSQL {version} is older than {OLDEST_SERVER}, which is needed");
        return Err(StoreError::Open(needed));
    }
    match encoding {
        Some("UTF8") => Ok(()),
        other => Err(StoreError::Open(format!(
            "its encoding is {}; make the database with encoding UTF8",
            other.unwrap_or("unknown")
        ))),
    }
}

fn tls(authorities: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let roots = match authorities {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some(path) => own_authorities(path)?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Open(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn own_authorities(path: &Path) -> Result<RootCertStore, StoreError> {
    let unusable = |reason: String| StoreError::Open(format!("{}: {reason}", path.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable(String::from("it holds no certificate in PEM form")));
    }
    Ok(roots)
}
