//! The sections as types. Each reads itself and checks what must fit together within it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatepost_core::retention::Retention;
use gatepost_model::network::Networks;
use gatepost_model::retry::{MOST_RETRIES, RetrySchedule};
use gatepost_store::{Location, PostgresUrl};
use tracing_subscriber::EnvFilter;
use url::Url;

use super::reader::Reader;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a try takes beside the sending itself, at most: looking at the recipient before it, recording after it.
const BESIDE_SENDING: Duration = Duration::from_secs(3);

/// A configuration that was checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[webhooks]`
    pub webhooks: Webhooks,
    /// `[rate_limit]`
    pub rate_limit: RateLimit,
    /// `[retention]`
    pub retention: Retention,
    /// `[store]`
    pub store: StoreSection,
    /// `[log]`
    pub log: Log,
}

/// `[server]`; `default.toml` says what each key is about.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where the public listener waits.
    pub listen: SocketAddr,
    /// The address as callers know it, if it was set.
    pub public_url: Option<String>,
    /// Threads for requests.
    pub threads: u32,
    /// Proxies that are believed.
    pub trusted_proxies: Networks,
    /// For a request's headers.
    pub header_timeout: Duration,
    /// For a request as a whole.
    pub request_timeout: Duration,
    /// The command line's way to the running server.
    pub admin_socket: PathBuf,
    /// Where metrics are told to whoever asks, if anywhere but at the admin socket.
    pub metrics_listen: Option<SocketAddr>,
}

/// `[webhooks]`
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// The pauses between tries.
    pub retry_schedule: RetrySchedule,
    /// Networks that are opened.
    pub allow_networks: Networks,
    /// For one try.
    pub timeout: Duration,
    /// Tries under way at once.
    pub concurrency: u32,
    /// Tries under way at once to one URL.
    pub concurrency_per_url: u32,
    /// How long a node holds a delivery.
    pub lease: Duration,
    /// A URL that takes nothing for so long is disabled.
    pub disable_after: Duration,
    /// URLs of one client at most.
    pub urls_per_client: u32,
}

/// `[rate_limit]`
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// For a client without a limit of its own.
    pub requests_per_hour: u32,
}

/// `[store]`
#[derive(Clone, Debug)]
pub struct StoreSection {
    /// The database.
    pub location: Location,
    /// Reading threads.
    pub readers: u32,
    /// For one read.
    pub read_deadline: Duration,
    /// Page cache of the writer.
    pub writer_cache_kib: u32,
    /// Page cache of each reader.
    pub reader_cache_kib: u32,
    /// Clients in memory.
    pub cached_clients: u32,
    /// What is for PostgreSQL alone.
    pub postgres: PostgresSection,
}

/// `[store]`, the keys that begin with `postgres_`.
#[derive(Clone, Debug)]
pub struct PostgresSection {
    /// Connections that write.
    pub writers: u32,
    /// Connections that read.
    pub readers: u32,
    /// For connecting.
    pub connect_timeout: Duration,
    /// For a write.
    pub answer_timeout: Duration,
    /// Authorities that vouch for the server.
    pub ca_file: Option<PathBuf>,
    /// How long a node trusts what it has in memory without word from the database.
    pub feed_bound: Duration,
}

/// `[log]`
#[derive(Clone, Debug)]
pub struct Log {
    /// What a line looks like.
    pub format: LogFormat,
    /// What is logged, in the form of [`EnvFilter`].
    pub level: String,
}

/// What a log line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Config {
    pub(super) fn read(reader: &mut Reader<'_>, data: &Path) -> Self {
        Self {
            server: Server::read(reader, data),
            webhooks: Webhooks::read(reader),
            rate_limit: RateLimit {
                requests_per_hour: reader.number("rate_limit.requests_per_hour", 1, u32::MAX),
            },
            retention: retention(reader),
            store: StoreSection::read(reader, data),
            log: Log::read(reader),
        }
    }

    /// What is allowed but dangerous, each in a sentence for the operator.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.webhooks.allow_networks.is_empty() {
            warnings.push(format!(
                "webhooks.allow_networks opens {}: whoever can edit an API client can have requests sent there",
                self.webhooks.allow_networks
            ));
        }
        let reachable = !self.server.listen.ip().is_loopback();
        match &self.server.public_url {
            Some(url) if url.starts_with("http:") && reachable => warnings.push(format!(
                "server.public_url is {url}: secrets and tokens travel unencrypted. Put a proxy with TLS in front, and \
                 set server.public_url to its https:// address"
            )),
            None if reachable => warnings.push(format!(
                "the server listens on {}, which other machines can reach, and server.public_url is not set: links and \
                 the issuer will be wrong for them",
                self.server.listen
            )),
            _ => {}
        }
        let everyone = ["0.0.0.0/0", "::/0"];
        if self.server.trusted_proxies.to_texts().iter().any(|text| everyone.contains(&text.as_str())) {
            warnings.push(String::from(
                "server.trusted_proxies holds every address: any caller can pretend to call from any address",
            ));
        }
        warnings
    }
}

impl Server {
    fn read(reader: &mut Reader<'_>, data: &Path) -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: reader.parsed("server.listen", nowhere, address),
            public_url: reader.parsed("server.public_url", None, public_url),
            threads: reader.number("server.threads", 1, 256),
            trusted_proxies: reader.networks("server.trusted_proxies"),
            header_timeout: reader.duration("server.header_timeout", SECOND, DAY),
            request_timeout: reader.duration("server.request_timeout", SECOND, DAY),
            admin_socket: match reader.text("server.admin_socket").as_str() {
                "" => data.join("admin.sock"),
                path => PathBuf::from(path),
            },
            metrics_listen: reader.parsed("server.metrics_listen", None, |text| match text {
                "" => Ok(None),
                text => address(text).map(Some),
            }),
        }
    }
}

impl Webhooks {
    fn read(reader: &mut Reader<'_>) -> Self {
        let pauses = reader.durations("webhooks.retry_schedule");
        if pauses.len() > MOST_RETRIES {
            reader
                .report("webhooks.retry_schedule", format!("must not have more than {MOST_RETRIES} pauses"));
        }
        let section = Self {
            retry_schedule: RetrySchedule::new(pauses),
            allow_networks: reader.networks("webhooks.allow_networks"),
            timeout: reader.duration(
                "webhooks.timeout",
                Duration::from_millis(100),
                Duration::from_secs(300),
            ),
            concurrency: reader.number("webhooks.concurrency", 1, 10_000),
            concurrency_per_url: reader.number("webhooks.concurrency_per_url", 1, 1_000),
            lease: reader.duration("webhooks.lease", SECOND, DAY),
            disable_after: reader.duration("webhooks.disable_after", Duration::from_secs(60), DAY * 365),
            urls_per_client: reader.number("webhooks.urls_per_client", 1, 1_000),
        };
        if section.lease < (section.timeout + BESIDE_SENDING) * 2 {
            let text = "must be at least twice webhooks.timeout and six seconds, or a slow receiver could get a delivery twice";
            reader.report("webhooks.lease", text);
        }
        section
    }
}

fn retention(reader: &mut Reader<'_>) -> Retention {
    let longest = DAY * 3_650;
    let retention = Retention {
        deliveries: reader.duration("retention.deliveries", DAY, longest),
        events: reader.duration("retention.events", DAY, longest),
        refused_requests: reader.duration("retention.refused_requests", DAY, longest),
        audit: reader.optional_duration("retention.audit", DAY, longest),
    };
    if retention.events < retention.deliveries {
        let text = "must not be shorter than retention.deliveries: a delivery without its event cannot be sent again";
        reader.report("retention.events", text);
    }
    retention
}

impl StoreSection {
    fn read(reader: &mut Reader<'_>, data: &Path) -> Self {
        let own = Location::Sqlite(data.join("gatepost.db"));
        Self {
            location: reader.parsed("store.database", own.clone(), |text| match text {
                "" => Ok(own),
                text => location(text),
            }),
            readers: reader.number("store.readers", 1, 64),
            read_deadline: reader.duration(
                "store.read_deadline",
                Duration::from_millis(10),
                Duration::from_secs(600),
            ),
            writer_cache_kib: reader.number("store.writer_cache_kib", 256, 16 * 1024 * 1024),
            reader_cache_kib: reader.number("store.reader_cache_kib", 256, 16 * 1024 * 1024),
            cached_clients: reader.number("store.cached_clients", 1, 100_000_000),
            postgres: PostgresSection::read(reader),
        }
    }
}

impl PostgresSection {
    fn read(reader: &mut Reader<'_>) -> Self {
        let ca_file = reader.text("store.postgres_ca_file");
        Self {
            writers: reader.number("store.postgres_writers", 1, 8),
            readers: reader.number("store.postgres_readers", 1, 64),
            connect_timeout: reader.duration("store.postgres_connect_timeout", SECOND / 10, SECOND * 60),
            answer_timeout: reader.duration("store.postgres_answer_timeout", SECOND, SECOND * 600),
            ca_file: (!ca_file.is_empty()).then(|| PathBuf::from(ca_file)),
            feed_bound: reader.duration("store.postgres_feed_bound", SECOND, SECOND * 60),
        }
    }
}

impl Log {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            format: reader.parsed("log.format", LogFormat::Text, |text| match text {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                other => Err(format!("\"{other}\" is no log format; there are text and json")),
            }),
            level: reader.parsed("log.level", String::new(), |text| match EnvFilter::try_new(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(error) => Err(format!("\"{text}\" is no log level ({error}); use for example info")),
            }),
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("\"{text}\" is not an address and port like 127.0.0.1:8080"))
}

fn public_url(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wanted = || format!("\"{text}\" is not an address like https://api.example.com");
    let url = Url::parse(text).map_err(|_| wanted())?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain || !anonymous {
        return Err(format!("{}: only http or https, a host and perhaps a port", wanted()));
    }
    Ok(Some(text.trim_end_matches('/').to_owned()))
}

/// Where a database lies, as people write it.
///
/// # Errors
/// A sentence about why it cannot be.
pub fn location(text: &str) -> Result<Location, String> {
    let path = match text.split_once(':') {
        Some(("postgres" | "postgresql", _)) => return Ok(Location::Postgres(PostgresUrl::new(text))),
        Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
        Some((scheme, rest)) if rest.starts_with("//") => {
            return Err(format!("\"{scheme}:\" is no known kind of database; give a file path"));
        }
        _ => text,
    };
    if path.is_empty() {
        return Err(String::from("names no file"));
    }
    Ok(Location::Sqlite(PathBuf::from(path)))
}
