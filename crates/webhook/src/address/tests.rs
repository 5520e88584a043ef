use proptest::prelude::*;

use super::*;

fn networks(texts: &[&str]) -> Networks {
    Networks::parse(texts).unwrap()
}

fn judge(address: &str, opened: &[&str]) -> Verdict {
    verdict(address.parse().unwrap(), &networks(opened))
}

const EVERYTHING: [&str; 2] = ["0.0.0.0/0", "::/0"];

#[test]
fn ends_of_every_ipv4_range() {
    use Reason::*;
    let ranges = [
        ("0.0.0.0", "0.255.255.255", Unspecified),
        ("10.0.0.0", "10.255.255.255", Private),
        ("100.64.0.0", "100.127.255.255", Shared),
        ("100.100.100.200", "100.100.100.200", Metadata),
        ("127.0.0.0", "127.255.255.255", Loopback),
        ("168.63.129.16", "168.63.129.16", Metadata),
        ("169.254.0.0", "169.254.255.255", LinkLocal),
        ("172.16.0.0", "172.31.255.255", Private),
        ("192.0.0.0", "192.0.0.255", Reserved),
        ("192.0.0.192", "192.0.0.192", Metadata),
        ("192.0.2.0", "192.0.2.255", Reserved),
        ("192.31.196.0", "192.31.196.255", Reserved),
        ("192.52.193.0", "192.52.193.255", Reserved),
        ("192.88.99.0", "192.88.99.255", Reserved),
        ("192.168.0.0", "192.168.255.255", Private),
        ("192.175.48.0", "192.175.48.255", Reserved),
        ("198.18.0.0", "198.19.255.255", Reserved),
        ("198.51.100.0", "198.51.100.255", Reserved),
        ("203.0.113.0", "203.0.113.255", Reserved),
        ("224.0.0.0", "239.255.255.255", Multicast),
        ("240.0.0.0", "255.255.255.254", Reserved),
        ("255.255.255.255", "255.255.255.255", Broadcast),
    ];
    for (first, last, reason) in ranges {
        assert_eq!(judge(first, &[]), Verdict::Forbidden(reason), "{first}");
        assert_eq!(judge(last, &[]), Verdict::Forbidden(reason), "{last}");
    }
    let neighbours = [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
    ];
    for address in neighbours {
        assert_eq!(judge(address, &[]), Verdict::Public, "{address}");
    }
}

#[test]
fn ipv6_is_global_unicast_or_nothing() {
    use Reason::*;
    let forbidden = [
        ("::", Unspecified),
        ("::1", Loopback),
        ("100::1", Reserved),
        ("5f00::1", Reserved),
        ("1fff:ffff::", Reserved),
        ("4000::", Reserved),
        ("2001:2::1", Reserved),
        ("2001:10::1", Reserved),
        ("2001:1ff:ffff::", Reserved),
        ("2001:db8::1", Reserved),
        ("2620:4f:8000::1", Reserved),
        ("3fff:fff::1", Reserved),
        ("fc00::1", Private),
        ("fdff::1", Private),
        ("fd00:ec2::254", Metadata),
        ("fd20:ce::254", Metadata),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("fec0::1", Reserved),
        ("ff02::1", Multicast),
        ("64:ff9b:1:808:8:800::", Ambiguous),
        ("64:ff9b:2::1", Reserved),
    ];
    for (address, reason) in forbidden {
        assert_eq!(judge(address, &[]), Verdict::Forbidden(reason), "{address}");
    }
    for address in ["2000::1", "2001:200::1", "2606:4700::1111", "2a00:1450::1", "3ffe::1", "3fff:1000::1"] {
        assert_eq!(judge(address, &[]), Verdict::Public, "{address}");
    }
}

#[test]
fn a_carried_ipv4_address_is_what_counts() {
    let carriers = [
        ("::ffff:10.0.0.1", "::ffff:8.8.8.8"),
        ("::10.0.0.1", "::8.8.8.8"),
        ("::ffff:0:10.0.0.1", "::ffff:0:8.8.8.8"),
        ("64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8"),
        ("64:ff9b:1::10.0.0.1", "64:ff9b:1::8.8.8.8"),
        ("2002:a00:1::1", "2002:808:808::1"),
        ("2001:0:808:808::f5ff:fffe", "2001:0:808:808::f7f7:f7f7"),
        ("2001:0:a00:1::f7f7:f7f7", "2001:0:808:808::f7f7:f7f7"),
        ("2a00:1450::5efe:10.0.0.1", "2a00:1450::5efe:8.8.8.8"),
        ("2a00:1450::200:5efe:10.0.0.1", "2a00:1450::200:5efe:8.8.8.8"),
        ("2002:808:808::5efe:10.0.0.1", "2002:808:808::5efe:8.8.8.8"),
    ];
    for (private, public) in carriers {
        assert_eq!(judge(private, &[]), Verdict::Forbidden(Reason::Private), "{private}");
        assert_eq!(judge(public, &[]), Verdict::Public, "{public}");
    }
    assert_eq!(judge("fd00::5efe:8.8.8.8", &[]), Verdict::Forbidden(Reason::Private));
    assert_eq!(judge("64:ff9b::10.0.0.1", &["10.0.0.0/8"]), Verdict::Opened);
    assert_eq!(judge("64:ff9b::10.0.0.1", &["64:ff9b::/96"]), Verdict::Forbidden(Reason::Private));
}

#[test]
fn the_operator_opens_private_networks_but_never_metadata_or_link_local() {
    for address in
        ["127.0.0.1", "::1", "10.0.0.1", "fd12::1", "100.64.0.1", "198.18.0.1", "8.8.8.8", "2600::1"]
    {
        assert_eq!(judge(address, &EVERYTHING), Verdict::Opened, "{address}");
    }
    assert_eq!(judge("10.1.0.1", &["10.0.0.0/16"]), Verdict::Forbidden(Reason::Private));

    let never = [
        "169.254.169.254",
        "169.254.0.1",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "::",
        "ff02::1",
        "64:ff9b:1:a9fe:a9:fe00::",
    ];
    for address in never {
        for opened in [&EVERYTHING[..], &["169.254.169.254"], &["fe80::/10", "fd00:ec2::254"]] {
            assert!(matches!(judge(address, opened), Verdict::Forbidden(_)), "{address} with {opened:?}");
        }
    }
}

/// Every way an IPv6 address can carry an IPv4 address.
fn embeddings(address: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [high, low] = [(address.to_bits() >> 16) as u16, address.to_bits() as u16];
    let mut all = vec![
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
        // The other layouts of RFC 6052 under the local NAT64 prefix: /48, /56 and /64.
        Ipv6Addr::new(0x64, 0xff9b, 1, high, low >> 8, low << 8, 0, 0),
        Ipv6Addr::new(0x64, 0xff9b, 1, high >> 8, high & 0xff, low, 0, 0),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, high >> 8, high << 8 | low >> 8, low << 8, 0),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 0x0808, 0x0808, 0, 0, !high, !low),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !0x0808, !0x0808),
        Ipv6Addr::new(0x2a00, 0x1450, 0, 0, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2a00, 0x1450, 0, 0, 0x0200, 0x5efe, high, low),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2002, 0x0808, 0x0808, 0, 0, 0x5efe, high, low),
    ];
    // `::` and `::1` are not 0.0.0.0 and 0.0.0.1 (RFC 4291, 2.5.5.1).
    if address.to_bits() > 1 {
        all.push(Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low));
    }
    all
}

fn leniency(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Forbidden(_) => 0,
        Verdict::Public => 1,
        Verdict::Opened => 2,
    }
}

/// Addresses of the whole space, and as many from each forbidden network.
fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    let special = (0..V4_FORBIDDEN.len(), any::<u32>()).prop_map(|(index, host)| {
        let network = V4_FORBIDDEN[index].0;
        Ipv4Addr::from_bits(network.network().to_bits() | host & network.hostmask().to_bits())
    });
    prop_oneof![any::<u32>().prop_map(Ipv4Addr::from_bits), special]
}

fn any_opened() -> impl Strategy<Value = Networks> {
    let choices = [
        "0.0.0.0/0",
        "::/0",
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "2002::/16",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2a00:1450::/32",
        "fe80::/10",
    ];
    proptest::sample::subsequence(choices.to_vec(), 0..4).prop_map(|texts| networks(&texts))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// security.md 6.3, rule 10.
    #[test]
    fn no_embedding_is_judged_more_mildly(address in any_v4(), opened in any_opened()) {
        let plain = leniency(verdict(address.into(), &opened));
        for embedding in embeddings(address) {
            let embedded = leniency(verdict(embedding.into(), &opened));
            prop_assert!(embedded <= plain, "{} is judged more mildly than {}", embedding, address);
        }
    }

    #[test]
    fn an_empty_list_opens_nothing(address in any::<u128>()) {
        let judged = verdict(Ipv6Addr::from_bits(address).into(), &Networks::default());
        prop_assert!(judged != Verdict::Opened);
    }
}
