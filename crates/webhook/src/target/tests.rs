use super::*;

fn networks(texts: &[&str]) -> Networks {
    Networks::parse(texts).unwrap()
}

fn parse(url: &str) -> Result<Target, TargetError> {
    Target::parse(url, &Networks::default())
}

#[track_caller]
fn requested(url: &str) -> String {
    parse(url).unwrap().uri().to_string()
}

#[test]
fn ordinary_urls_are_taken() {
    for url in [
        "https://hooks.example.com/",
        "https://hooks.example.com/orders?token=a%20b&list=[1,2]&q='x'&&empty=",
        "https://hooks.example.com:8443/a",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/x",
        "https://my_host.example.com/",
    ] {
        assert_eq!(requested(url), url);
    }
}

#[test]
fn hosts_are_put_into_their_plain_form() {
    for (given, plain) in [
        ("HTTPS://Hooks.EXAMPLE.com", "https://hooks.example.com/"),
        ("https://hooks.example.com./a", "https://hooks.example.com/a"),
        ("https://hooks.example.com:443/a", "https://hooks.example.com/a"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://134744072/", "https://8.8.8.8/"),
        ("https://8.8.8.8./", "https://8.8.8.8/"),
        ("https://８.８.８.８/", "https://8.8.8.8/"),
        ("https://[2606:4700:0:0::1111]/", "https://[2606:4700::1111]/"),
    ] {
        assert_eq!(requested(given), plain);
    }
}

#[test]
fn queries_are_kept_byte_for_byte() {
    assert_eq!(requested("https://a.example/p?x='1'&y={2}&z=|?&"), "https://a.example/p?x='1'&y={2}&z=|?&");
    assert_eq!(requested("https://a.example?x=1"), "https://a.example/?x=1");
    assert_eq!(requested("https://a.example/?"), "https://a.example/?");
    assert_eq!(requested("https://a.example/ä?ö=ü"), "https://a.example/%C3%A4?%C3%B6=%C3%BC");
}

#[test]
fn every_refusal_has_its_reason() {
    use TargetError::*;
    let long = format!("https://a.example/{}", "x".repeat(LONGEST_URL));
    let cases = [
        (long.as_str(), TooLong(LONGEST_URL + 18)),
        ("https://a.example/a b", Characters),
        ("https://a.exa\tmple/", Characters),
        (" https://a.example/", Characters),
        ("https://a.example\\@b.example/", Characters),
        ("ftp://a.example/", Scheme),
        ("file:///etc/passwd", Scheme),
        ("https:a.example", Scheme),
        ("a.example", Scheme),
        ("", Scheme),
        ("http://a.example/", PlainHttp),
        ("https:///a.example", Unreadable("empty host".into())),
        ("https://:443/", Unreadable("empty host".into())),
        ("https://a..example/", Unreadable("empty label in the host name".into())),
        ("https://a.example:99999/", Unreadable("invalid port number".into())),
        ("https://user@a.example/", Userinfo),
        ("https://:secret@a.example/", Userinfo),
        ("https://a.example/#x", Fragment),
        ("https://a.example/?a#", Fragment),
        ("https://[2606:4700::1%25eth0]/", ZoneId),
        ("https://[fe80::1%eth0]/", ZoneId),
        ("https://a.example:22/", Port(22)),
        ("https://a.example:0/", Port(0)),
        ("https://a.example:6379/", Port(6379)),
        ("https://8.8.8.8:5432/", Port(5432)),
        ("https://receiver/", SingleLabel("receiver".into())),
        ("https://printer.local/", LocalName("printer.local".into())),
        ("https://metadata.google.internal/", LocalName("metadata.google.internal".into())),
        ("https://home.arpa/", LocalName("home.arpa".into())),
        ("https://localhost/", Address(Reason::Loopback)),
        ("https://LOCALHOST./", Address(Reason::Loopback)),
        ("https://a.localhost/", Address(Reason::Loopback)),
        ("https://2130706433/", Address(Reason::Loopback)),
        ("https://0177.1/", Address(Reason::Loopback)),
        ("https://%31%32%37.0.0.1/", Address(Reason::Loopback)),
        ("https://[::ffff:10.0.0.1]/", Address(Reason::Private)),
        ("https://169.254.169.254/latest/meta-data/", Address(Reason::LinkLocal)),
    ];
    for (url, expected) in cases {
        assert_eq!(parse(url), Err(expected), "{url}");
    }
}

#[test]
fn refusals_are_whole_sentences() {
    let refusal = parse("https://10.0.0.1/").unwrap_err().to_string();
    let sentence = "The URL leads to a private network, where webhooks are never sent; \
                    use a host on the public internet.";
    assert_eq!(refusal, sentence);
    for url in
        ["https://a.example:25/", "https://receiver/", "x", "https://u@a.example", "https://a.example:x/"]
    {
        let text = parse(url).unwrap_err().to_string();
        assert!(text.ends_with('.') && !text.contains("TargetError"), "{text}");
    }
}

#[test]
fn opened_networks_may_be_reached_on_any_port_and_over_http() {
    let opened = networks(&["10.0.0.0/8", "127.0.0.0/8"]);
    for url in
        ["http://10.0.0.1:22/", "https://10.0.0.1:6379/", "http://localhost:8080/", "http://127.0.0.1/"]
    {
        assert!(Target::parse(url, &opened).is_ok(), "{url}");
    }
    assert_eq!(Target::parse("http://8.8.8.8/", &opened), Err(TargetError::PlainHttp));
    assert_eq!(Target::parse("https://8.8.8.8:22/", &opened), Err(TargetError::Port(22)));
    assert_eq!(
        Target::parse("https://169.254.169.254/", &opened),
        Err(TargetError::Address(Reason::LinkLocal))
    );
    assert_eq!(Target::parse("http://localhost/", &opened).unwrap().host(), &Host::Localhost);
    assert!(Target::parse("http://localhost/", &networks(&["10.0.0.0/8"])).is_err());
}

#[test]
fn a_name_is_judged_again_by_what_it_leads_to() {
    let opened = networks(&["10.0.0.0/8"]);
    let inside = "10.0.0.1".parse().unwrap();
    let outside = "8.8.8.8".parse().unwrap();

    let plain = Target::parse("http://receiver.example:6379/", &opened).unwrap();
    assert_eq!(plain.admit(inside, &opened), Ok(()));
    assert_eq!(plain.admit(outside, &opened), Err(TargetError::PlainHttp));

    let odd_port = Target::parse("https://receiver.example:6379/", &opened).unwrap();
    assert_eq!(odd_port.admit(inside, &opened), Ok(()));
    assert_eq!(odd_port.admit(outside, &opened), Err(TargetError::Port(6379)));

    let ordinary = parse("https://receiver.example/").unwrap();
    assert_eq!(ordinary.admit(outside, &Networks::default()), Ok(()));
    assert_eq!(ordinary.admit(inside, &Networks::default()), Err(TargetError::Address(Reason::Private)));
}
