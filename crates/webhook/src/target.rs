//! What a webhook URL may look like: judged when it is saved, and again for every connection.
//!
//! Saving asks no network: a name can point anywhere tomorrow, so what it resolves to is judged when it is dialled,
//! by [`Target::admit`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gatepost_model::network::Networks;
use http::Uri;
use http::uri::{Authority, InvalidUri, PathAndQuery};
use url::Url;

use crate::address::{Reason, Verdict, verdict};

/// The most bytes a webhook URL may have.
pub const LONGEST_URL: usize = 2048;

/// Names that only mean something in a local network (RFC 6762, RFC 8375 and ICANN's private-use name).
const LOCAL_SUFFIXES: [&str; 3] = [".local", ".internal", ".home.arpa"];

/// Ports of other kinds of service, which might take a request for commands of their own. All ports below 1024 but
/// 80 and 443 are shut as well.
const FORBIDDEN_PORTS: [u16; 38] = [
    1080, 1433, 1521, 2049, 2181, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 4369, 5060, 5061, 5432, 5672,
    5900, 5984, 5985, 5986, 6000, 6379, 6443, 6667, 8500, 9042, 9092, 9100, 9200, 9300, 10250, 10255, 11211,
    15672, 27017, 27018, 50070,
];

/// A URL that a webhook may be sent to, as far as its text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
    host: Host,
    port: u16,
    secure: bool,
}

/// The host of a [`Target`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name for the DNS to resolve, in lower case and without a dot at its end.
    Name(String),
    /// The machine itself, without asking the DNS (RFC 6761, 6.3): see [`LOOPBACK`].
    Localhost,
    /// An address.
    Address(IpAddr),
}

/// What `localhost` stands for.
pub const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Why a URL is no target; each text is a sentence for the URL's owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Longer than [`LONGEST_URL`].
    #[error("The URL has {0} bytes; use one of at most {LONGEST_URL}.")]
    TooLong(usize),
    /// Spaces, control characters and backslashes, which readers of URLs drop or replace.
    #[error(
        "The URL holds a space, a backslash or a control character; remove it or write it percent-encoded."
    )]
    Characters,
    /// Not `https:` (nor `http:`).
    #[error("The URL must begin with https://.")]
    Scheme,
    /// `http:` where it is not allowed.
    #[error(
        "The URL must begin with https://; over http, anyone on the way could read and change what is sent."
    )]
    PlainHttp,
    /// No URL at all.
    #[error("The URL cannot be read ({0}); write it like https://hooks.example.com/orders.")]
    Unreadable(String),
    /// `https://user:password@host/`.
    #[error(
        "The URL holds a user name or a password before its host; remove it, webhooks prove themselves by signature."
    )]
    Userinfo,
    /// `https://host/#part`.
    #[error("The URL has a part after #, which is never sent; remove it.")]
    Fragment,
    /// `https://[fe80::1%25eth0]/`.
    #[error("The URL's address names a network interface (after %); use an address without it.")]
    ZoneId,
    /// A port of another kind of service.
    #[error(
        "Port {0} is not open for webhooks; use 443, or one from 1024 up that no other kind of service is known by."
    )]
    Port(u16),
    /// A host name without a dot.
    #[error("\"{0}\" is not a full host name; use one that the public DNS knows, like hooks.example.com.")]
    SingleLabel(String),
    /// A host name of a local network.
    #[error("\"{0}\" is a name of a local network; use a host name that the public DNS knows.")]
    LocalName(String),
    /// An address that may not be reached.
    #[error("The URL leads to {phrase}, where webhooks are never sent; use a host on the public internet.", phrase = .0.as_phrase())]
    Address(Reason),
}

impl Target {
    /// Judges the text of a URL; `opened` is the operator's list (`webhooks.allow_networks`), empty by default.
    ///
    /// # Errors
    /// Says what is wrong with the URL and what to change.
    pub fn parse(given: &str, opened: &Networks) -> Result<Self, TargetError> {
        vet_text(given)?;
        let url = Url::parse(given).map_err(|error| unreadable(given, error))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Userinfo);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        let host = host(&url, opened)?;
        let target = Self {
            uri: uri(&url, &host, given).map_err(|error| TargetError::Unreadable(error.to_string()))?,
            host,
            port: url.port_or_known_default().ok_or(TargetError::Scheme)?,
            secure: url.scheme() == "https",
        };
        match &target.host {
            Host::Address(address) => target.admit(*address, opened)?,
            // Whether the name leads into an opened network shows when it is dialled; without any, it cannot.
            Host::Name(_) if opened.is_empty() => target.vet_for_internet()?,
            Host::Name(_) | Host::Localhost => {}
        }
        Ok(target)
    }

    /// Judges an address that the host stands for, before it is dialled.
    ///
    /// # Errors
    /// The address is forbidden, or reaching it needs https or another port.
    pub fn admit(&self, address: IpAddr, opened: &Networks) -> Result<(), TargetError> {
        match verdict(address, opened) {
            Verdict::Forbidden(reason) => Err(TargetError::Address(reason)),
            Verdict::Public => self.vet_for_internet(),
            Verdict::Opened => Ok(()),
        }
    }

    fn vet_for_internet(&self) -> Result<(), TargetError> {
        if !self.secure {
            return Err(TargetError::PlainHttp);
        }
        let ordinary = matches!(self.port, 80 | 443 | 1024..) && !FORBIDDEN_PORTS.contains(&self.port);
        if ordinary { Ok(()) } else { Err(TargetError::Port(self.port)) }
    }

    /// The URL as it is requested: the host in its plain form, the query as it was given.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// What the parser would silently repair: it drops line breaks, takes `\` for `/` and any number of slashes for two.
/// A repaired URL is not the one that its owner reads.
fn vet_text(given: &str) -> Result<(), TargetError> {
    if given.len() > LONGEST_URL {
        return Err(TargetError::TooLong(given.len()));
    }
    if given.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(TargetError::Characters);
    }
    let (scheme, rest) = given.split_once("://").ok_or(TargetError::Scheme)?;
    if !["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(TargetError::Scheme);
    }
    if rest.starts_with('/') { Err(TargetError::Unreadable("empty host".to_owned())) } else { Ok(()) }
}

fn unreadable(given: &str, error: url::ParseError) -> TargetError {
    let zoned = given
        .split(['/', '?', '#'])
        .nth(2)
        .is_some_and(|authority| authority.contains('[') && authority.contains('%'));
    if zoned { TargetError::ZoneId } else { TargetError::Unreadable(error.to_string()) }
}

fn host(url: &Url, opened: &Networks) -> Result<Host, TargetError> {
    match url.host() {
        Some(url::Host::Ipv4(address)) => Ok(Host::Address(address.into())),
        Some(url::Host::Ipv6(address)) => Ok(Host::Address(address.into())),
        Some(url::Host::Domain(name)) => named_host(name.strip_suffix('.').unwrap_or(name), opened),
        None => Err(TargetError::Unreadable("empty host".to_owned())),
    }
}

/// These refusals are clearer errors, not the guard: that one judges what is dialled.
fn named_host(name: &str, opened: &Networks) -> Result<Host, TargetError> {
    if name.split('.').any(str::is_empty) {
        return Err(TargetError::Unreadable("empty label in the host name".to_owned()));
    }
    if name == "localhost" || name.ends_with(".localhost") {
        let open = LOOPBACK.iter().any(|address| opened.contains(*address));
        return if open { Ok(Host::Localhost) } else { Err(TargetError::Address(Reason::Loopback)) };
    }
    if !name.contains('.') {
        return Err(TargetError::SingleLabel(name.to_owned()));
    }
    if LOCAL_SUFFIXES.iter().any(|suffix| name.ends_with(suffix) || suffix.get(1..) == Some(name)) {
        return Err(TargetError::LocalName(name.to_owned()));
    }
    Ok(Host::Name(name.to_owned()))
}

fn uri(url: &Url, host: &Host, given: &str) -> Result<Uri, http::Error> {
    let host = match host {
        Host::Name(name) => name.as_str(),
        Host::Localhost | Host::Address(_) => url.host_str().unwrap_or_default().trim_end_matches('.'),
    };
    let authority = match url.port() {
        Some(port) => Authority::try_from(format!("{host}:{port}"))?,
        None => Authority::try_from(host)?,
    };
    Uri::builder()
        .scheme(url.scheme())
        .authority(authority)
        .path_and_query(path_and_query(url, given)?)
        .build()
}

/// The query as it was given, byte for byte (contract.md H), unless it holds what no request line can carry: then
/// with that percent-encoded.
fn path_and_query(url: &Url, given: &str) -> Result<PathAndQuery, InvalidUri> {
    let path = url.path();
    match given.split_once('?') {
        None => PathAndQuery::try_from(path),
        Some((_, query)) if query.is_ascii() => PathAndQuery::try_from(format!("{path}?{query}"))
            .or_else(|_| PathAndQuery::try_from(encoded_query(url))),
        Some(_) => PathAndQuery::try_from(encoded_query(url)),
    }
}

fn encoded_query(url: &Url) -> String {
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

#[cfg(test)]
mod tests;
