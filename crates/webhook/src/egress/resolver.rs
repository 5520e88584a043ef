//! Names to addresses, without the detours that a machine's own resolver takes.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::read_system_conf;

/// An answer is not used for longer than this, whatever its time to live, so that a changed name takes effect.
pub const LONGEST_CACHED: Duration = Duration::from_secs(60);

/// That a name does not exist is believed for at most this long: receivers get their names while they are set up.
const LONGEST_CACHED_ABSENCE: Duration = Duration::from_secs(10);

/// One question to one name server. Two tries of it fit into the time that a connection may take.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);

/// Resolves host names. Tests script the answers.
pub trait Resolve: Send + Sync + 'static {
    /// All IPv4 and IPv6 addresses of `name`, which is fully qualified: it ends with a dot.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>>;
}

/// A name that could not be resolved. The cause is for the operator's log, not for the URL's owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name could not be resolved: {0}")]
pub struct ResolveError(pub String);

/// Asks name servers, and nothing else: no search list (names are fully qualified), no hosts file.
#[derive(Debug)]
pub struct DnsResolver(TokioResolver);

impl DnsResolver {
    /// Asks the machine's name servers, as `/etc/resolv.conf` lists them.
    ///
    /// # Errors
    /// The machine's configuration cannot be read.
    pub fn system() -> Result<Self, ResolveError> {
        let (config, _) = read_system_conf().map_err(error)?;
        Self::new(config)
    }

    /// Asks the name servers of `config`; its search list is not used.
    ///
    /// # Errors
    /// The resolver cannot be built from `config`.
    pub fn new(config: ResolverConfig) -> Result<Self, ResolveError> {
        let (_, _, name_servers) = config.into_parts();
        let config = ResolverConfig::from_name_servers(name_servers);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options();
        builder.build().map(Self).map_err(error)
    }
}

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.use_hosts_file = ResolveHosts::Never;
    // Both, since an address that is not asked for is not judged either; IPv4 first, it is the one that works.
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.timeout = QUESTION_TIMEOUT;
    options.positive_max_ttl = Some(LONGEST_CACHED);
    options.negative_max_ttl = Some(LONGEST_CACHED_ABSENCE);
    options
}

fn error(error: NetError) -> ResolveError {
    ResolveError(error.to_string())
}

impl Resolve for DnsResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        async move {
            let answer = self.0.lookup_ip(name).await.map_err(error)?;
            Ok(answer.iter().collect())
        }
        .boxed()
    }
}
