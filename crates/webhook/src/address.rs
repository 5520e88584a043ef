//! Which IP addresses a webhook may be sent to: a pure judgement, made again for every connection.
//!
//! IPv4 is judged by a list of what is refused, IPv6 by what is accepted: global unicast and nothing else. An IPv6
//! address that carries an IPv4 address is judged by what it carries, so that no spelling of an address is ever
//! judged more mildly than the address itself (security.md 6.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gatepost_model::network::Networks;
use ipnet::{Ipv4Net, Ipv6Net};

/// What may be done with an address. The order runs from strict to lenient, so the strictest of several is their
/// minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Never connect.
    Forbidden(Reason),
    /// Reachable from the whole internet: connect under the ordinary rules (https, ordinary ports).
    Public,
    /// In a network that the operator opened: connect on any port, also over plain http.
    Opened,
}

/// What a forbidden address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Where a cloud machine reads its own credentials.
    Metadata,
    /// Valid on one link only; clouds keep their metadata services here.
    LinkLocal,
    /// No address at all; the operating system takes it for the machine itself.
    Unspecified,
    /// A group of machines.
    Multicast,
    /// Every machine of a network.
    Broadcast,
    /// Carries an IPv4 address in a place that cannot be told.
    Ambiguous,
    /// The machine itself.
    Loopback,
    /// A private network.
    Private,
    /// The network between a provider and its customers (RFC 6598).
    Shared,
    /// Set aside for documentation, measurements or protocols.
    Reserved,
}

impl Reason {
    /// Whether the operator's list may open such an address. Metadata services and link-local addresses stay shut
    /// whatever the list says, and what cannot be the address of one machine has no use there.
    const fn can_be_opened(self) -> bool {
        matches!(self, Self::Loopback | Self::Private | Self::Shared | Self::Reserved)
    }

    /// As it stands in a sentence.
    #[must_use]
    pub const fn as_phrase(self) -> &'static str {
        match self {
            Self::Metadata => "a cloud metadata service",
            Self::LinkLocal => "a link-local address",
            Self::Unspecified => "an unspecified address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "a broadcast address",
            Self::Ambiguous => "an address that hides another one",
            Self::Loopback => "a loopback address",
            Self::Private => "a private network",
            Self::Shared => "a provider's inner network",
            Self::Reserved => "a reserved address",
        }
    }
}

/// Judges `address`; `opened` is the operator's list of networks that are targets all the same
/// (`webhooks.allow_networks`).
#[must_use]
pub fn verdict(address: IpAddr, opened: &Networks) -> Verdict {
    match address {
        IpAddr::V4(v4) => v4_verdict(v4, opened),
        IpAddr::V6(v6) => v6_verdict(v6, opened),
    }
}

fn v4_verdict(address: Ipv4Addr, opened: &Networks) -> Verdict {
    weigh(address.into(), v4_reason(address), opened)
}

fn v6_verdict(address: Ipv6Addr, opened: &Networks) -> Verdict {
    if let Some(v4) = translated(address) {
        return v4_verdict(v4, opened);
    }
    let outer = match tunnel_ends(address) {
        Some(ends) => ends.into_iter().map(|end| v4_verdict(end, opened)).min().unwrap_or(Verdict::Opened),
        None => weigh(address.into(), v6_reason(address), opened),
    };
    match isatap(address) {
        Some(inner) => outer.min(v4_verdict(inner, opened)),
        None => outer,
    }
}

fn weigh(address: IpAddr, reason: Option<Reason>, opened: &Networks) -> Verdict {
    match reason {
        Some(reason) if !reason.can_be_opened() => Verdict::Forbidden(reason),
        _ if opened.contains(address) => Verdict::Opened,
        Some(reason) => Verdict::Forbidden(reason),
        None => Verdict::Public,
    }
}

/// IANA's IPv4 special-purpose registry, multicast, and what clouds put elsewhere. The first match counts, so the
/// narrow networks stand before the wide ones.
const V4_FORBIDDEN: [(Ipv4Net, Reason); 22] = [
    (v4_net([255, 255, 255, 255], 32), Reason::Broadcast),
    (v4_net([100, 100, 100, 200], 32), Reason::Metadata),
    (v4_net([168, 63, 129, 16], 32), Reason::Metadata),
    (v4_net([192, 0, 0, 192], 32), Reason::Metadata),
    (v4_net([169, 254, 0, 0], 16), Reason::LinkLocal),
    (v4_net([0, 0, 0, 0], 8), Reason::Unspecified),
    (v4_net([127, 0, 0, 0], 8), Reason::Loopback),
    (v4_net([10, 0, 0, 0], 8), Reason::Private),
    (v4_net([172, 16, 0, 0], 12), Reason::Private),
    (v4_net([192, 168, 0, 0], 16), Reason::Private),
    (v4_net([100, 64, 0, 0], 10), Reason::Shared),
    (v4_net([192, 0, 0, 0], 24), Reason::Reserved),
    (v4_net([192, 0, 2, 0], 24), Reason::Reserved),
    (v4_net([192, 31, 196, 0], 24), Reason::Reserved),
    (v4_net([192, 52, 193, 0], 24), Reason::Reserved),
    (v4_net([192, 88, 99, 0], 24), Reason::Reserved),
    (v4_net([192, 175, 48, 0], 24), Reason::Reserved),
    (v4_net([198, 18, 0, 0], 15), Reason::Reserved),
    (v4_net([198, 51, 100, 0], 24), Reason::Reserved),
    (v4_net([203, 0, 113, 0], 24), Reason::Reserved),
    (v4_net([224, 0, 0, 0], 4), Reason::Multicast),
    (v4_net([240, 0, 0, 0], 4), Reason::Reserved),
];

/// IPv6 addresses with a name of their own, and the special ranges inside global unicast. The first match counts.
const V6_FORBIDDEN: [(Ipv6Net, Reason); 14] = [
    (v6_net([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32), Reason::Metadata),
    (v6_net([0xfd20, 0xce, 0, 0, 0, 0, 0, 0], 32), Reason::Metadata),
    (v6_net([0xfd00, 0xc1, 0, 0, 0, 0, 0, 0], 32), Reason::Metadata),
    (v6_net([0xfd00, 0x42, 0, 0, 0, 0, 0, 0], 32), Reason::Metadata),
    (v6_net([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Reason::LinkLocal),
    (v6_net([0, 0, 0, 0, 0, 0, 0, 0], 128), Reason::Unspecified),
    (v6_net([0, 0, 0, 0, 0, 0, 0, 1], 128), Reason::Loopback),
    (v6_net([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), Reason::Ambiguous),
    (v6_net([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Reason::Private),
    (v6_net([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Reason::Multicast),
    (v6_net([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Reason::Reserved),
    (v6_net([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Reason::Reserved),
    (v6_net([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), Reason::Reserved),
    (v6_net([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Reason::Reserved),
];

/// The only part of IPv6 that is handed out to networks of the internet.
const GLOBAL_UNICAST: Ipv6Net = v6_net([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

const fn v4_net(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from_octets(octets), prefix)
}

const fn v6_net(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), prefix)
}

fn v4_reason(address: Ipv4Addr) -> Option<Reason> {
    V4_FORBIDDEN.iter().find(|(network, _)| network.contains(&address)).map(|(_, reason)| *reason)
}

fn v6_reason(address: Ipv6Addr) -> Option<Reason> {
    let named = V6_FORBIDDEN.iter().find(|(network, _)| network.contains(&address));
    match named {
        Some((_, reason)) => Some(*reason),
        None if GLOBAL_UNICAST.contains(&address) => None,
        None => Some(Reason::Reserved),
    }
}

/// The IPv4 address that `address` is only another spelling of: mapped and compatible (RFC 4291), translated
/// (RFC 2765), NAT64 with the well-known prefix (RFC 6052) and with the local one in its `/96` layout (RFC 8215).
/// The local prefix has other layouts too; those are [`Reason::Ambiguous`].
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let carried = last_v4(address);
    match address.segments() {
        // `::` and `::1` have meanings of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _]
        | [0, 0, 0, 0, 0xffff, 0, _, _]
        | [0x64, 0xff9b, 0, 0, 0, 0, _, _]
        | [0x64, 0xff9b, 1, 0, 0, 0, _, _] => Some(carried),
        _ => None,
    }
}

/// Where the packets of a 6to4 (RFC 3056) or Teredo (RFC 4380) address go: to the router, or to the server and the
/// client, whose address is stored inverted.
fn tunnel_ends(address: Ipv6Addr) -> Option<[Ipv4Addr; 2]> {
    match address.segments() {
        [0x2002, high, low, ..] => {
            let router = v4_of(high, low);
            Some([router, router])
        }
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            Some([v4_of(high, low), v4_of(!client_high, !client_low)])
        }
        _ => None,
    }
}

/// The IPv4 address in an ISATAP interface identifier (RFC 5214), which may stand under any prefix.
fn isatap(address: Ipv6Addr) -> Option<Ipv4Addr> {
    matches!(address.segments(), [_, _, _, _, 0 | 0x0200, 0x5efe, _, _]).then(|| last_v4(address))
}

fn last_v4(address: Ipv6Addr) -> Ipv4Addr {
    let [.., high, low] = address.segments();
    v4_of(high, low)
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests;
