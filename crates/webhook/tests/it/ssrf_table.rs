//! The table of security.md 6.2, row by row, against the real client.

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatepost_model::custom_header::checked_name;
use gatepost_model::webhook::Outcome;
use gatepost_webhook::address::{Reason, Verdict, verdict};
use gatepost_webhook::egress::resolver::LONGEST_CACHED;
use gatepost_webhook::egress::{CONNECTION_LIFETIME, Egress};
use gatepost_webhook::target::{Target, TargetError};
use http::HeaderValue;
use tokio::io::AsyncWriteExt;

use crate::support::{
    Canary, OK, Receiver, SHORT, Script, answer_all, config, egress, networks, plain_egress, post,
    read_request, request,
};

const EVERYTHING: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Neither as a literal, over either scheme, nor as what a name resolves to, is any of `addresses` connected to.
async fn assert_unreachable(addresses: &[&str], opened: &[&str]) {
    let canary = Canary::bind("127.0.0.1:0");
    for address in addresses {
        let host = if address.contains(':') { format!("[{address}]") } else { (*address).to_owned() };
        let egress = egress(opened, Script::new(&[&[address]]));
        for host in [host.as_str(), "hooks.example.com"] {
            for scheme in ["https", "http"] {
                let exchange = post(&egress, &format!("{scheme}://{host}:{}/", canary.port())).await;
                assert_eq!(exchange.outcome, Outcome::Blocked, "{scheme} to {host} at {address}");
                assert_eq!(exchange.address, None);
            }
        }
    }
    canary.assert_untouched();
}

async fn assert_refused(urls: &[&str]) {
    let script = Script::new(&[&["127.0.0.1"]]);
    let egress = egress(&[], script.clone());
    for url in urls {
        assert_eq!(post(&egress, url).await.outcome, Outcome::Blocked, "{url}");
        assert!(Target::parse(url, &networks(&[])).is_err(), "{url} could be saved");
    }
    assert_eq!(script.asked(), [""; 0], "refused before anything is resolved");
}

fn judged(address: &str) -> Verdict {
    verdict(address.parse().unwrap(), &networks(&[]))
}

#[tokio::test]
async fn row_01_private_loopback_and_link_local_ipv4() {
    assert_unreachable(
        &["127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.1.1"],
        &[],
    )
    .await;
}

#[tokio::test]
async fn row_02_this_network() {
    assert_unreachable(&["0.0.0.0", "0.1.2.3"], &[]).await;
    assert_unreachable(&["0.0.0.0", "0.1.2.3"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_03_shared_address_space() {
    assert_unreachable(&["100.64.0.1", "100.100.100.200", "100.127.255.255"], &[]).await;
    assert_unreachable(&["100.100.100.200"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_04_metadata_service_and_ipv6_link_local() {
    assert_unreachable(&["169.254.169.254", "fe80::1"], &[]).await;
    assert_unreachable(&["169.254.169.254", "fe80::1"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_05_ipv6_metadata_and_unique_local() {
    assert_unreachable(&["fd00:ec2::254", "fc00::1", "fd12:3456::1"], &[]).await;
    assert_unreachable(&["fd00:ec2::254", "fd20:ce::254"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_06_metadata_in_a_public_range() {
    assert_unreachable(&["168.63.129.16"], &[]).await;
    assert_unreachable(&["168.63.129.16"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_07_mapped() {
    assert_unreachable(&["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"], &[]).await;
    assert_unreachable(&["::ffff:169.254.169.254", "::ffff:0.0.0.0"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_08_compatible() {
    assert_unreachable(&["::127.0.0.1", "::10.0.0.1", "::169.254.169.254"], &[]).await;
    assert_unreachable(&["::169.254.169.254"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_09_translated_and_isatap() {
    let isatap = ["2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:127.0.0.1", "fe80::5efe:8.8.8.8"];
    assert_unreachable(&isatap, &[]).await;
    assert_unreachable(&["::ffff:0:127.0.0.1", "::ffff:0:169.254.169.254"], &[]).await;
    assert_unreachable(&["::ffff:0:169.254.169.254", "2606:4700::5efe:169.254.169.254"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_10_nat64() {
    assert_unreachable(&["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254"], &[]).await;
    assert_unreachable(&["64:ff9b::169.254.169.254"], &EVERYTHING).await;
    assert_eq!(judged("64:ff9b::8.8.8.8"), Verdict::Public, "networks with DNS64 still work");
}

#[tokio::test]
async fn row_11_local_nat64() {
    assert_unreachable(&["64:ff9b:1::10.0.0.1", "64:ff9b:1:a00:0:100::", "64:ff9b:1:ffff::1"], &[]).await;
    assert_unreachable(&["64:ff9b:1::169.254.169.254", "64:ff9b:1:a9fe:a9:fe00::"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_12_6to4() {
    assert_unreachable(&["2002:7f00:1::1", "2002:a00:1::1", "2002:a9fe:a9fe::1"], &[]).await;
    assert_unreachable(&["2002:a9fe:a9fe::1"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_13_teredo() {
    assert_unreachable(&["2001:0:808:808::f5ff:fffe", "2001:0:a00:1::f7f7:f7f7"], &[]).await;
    assert_unreachable(&["2001:0:808:808::5601:5601"], &EVERYTHING).await;
}

#[tokio::test]
async fn row_14_site_local() {
    assert_unreachable(&["fec0::1", "feff::1"], &[]).await;
}

#[tokio::test]
async fn row_15_reserved_ranges() {
    let v4 = [
        "192.0.0.1",
        "192.88.99.1",
        "198.18.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "224.0.0.1",
        "203.0.113.1",
    ];
    assert_unreachable(&v4, &[]).await;
    assert_unreachable(&["5f00::1", "100::1", "2001:db8::1", "3fff::1", "ff02::1", "2001:2::1"], &[]).await;
}

#[tokio::test]
async fn row_16_other_spellings_of_an_address() {
    let canary = Canary::bind("127.0.0.1:0");
    let egress = plain_egress(&[]);
    for host in [
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0177.1",
        "0x7f.1",
        "127.1",
        "127.0.1",
        "%31%32%37.0.0.1",
    ] {
        let url = format!("https://{host}:{}/", canary.port());
        assert_eq!(post(&egress, &url).await.outcome, Outcome::Blocked, "{host}");
        assert_eq!(
            Target::parse(&url, &networks(&[])),
            Err(TargetError::Address(Reason::Loopback)),
            "{host}"
        );
    }
    canary.assert_untouched();
}

#[tokio::test]
async fn row_17_a_name_that_changes_its_answer() {
    let receiver = Receiver::start("127.0.0.1:0", |mut stream, _| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(OK.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).await;
    })
    .await;
    let port = receiver.address.port();
    let canary = Canary::bind(&format!("127.0.0.2:{port}"));
    let script = Script::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let egress = egress(&["127.0.0.1"], script.clone());
    let url = format!("http://hooks.example.com:{port}/");

    // Checking with one answer and dialling with the next would end at the canary.
    assert_eq!(post(&egress, &url).await.outcome, Outcome::Delivered);
    assert_eq!(script.asked().len(), 1, "resolved once for check and connection");
    assert_eq!(post(&egress, &url).await.outcome, Outcome::Blocked);
    canary.assert_untouched();
}

#[tokio::test]
async fn row_18_an_answer_that_mixes_good_and_bad() {
    let receiver = Receiver::answering(OK).await;
    let port = receiver.address.port();
    for answer in [&["127.0.0.1", "10.0.0.1"], &["10.0.0.1", "127.0.0.1"], &["127.0.0.1", "fe80::1"]] {
        let egress = egress(&["127.0.0.1"], Script::new(&[answer]));
        let exchange = post(&egress, &format!("http://hooks.example.com:{port}/")).await;
        assert_eq!(exchange.outcome, Outcome::Blocked);
    }
    assert_eq!(receiver.accepted(), 0);
}

/// Answers with a redirect to a canary that could be reached.
async fn redirected(status: &str) {
    let canary = Canary::bind("127.0.0.1:0");
    let location = format!("http://127.0.0.1:{}/", canary.port());
    let response = format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    let receiver = Receiver::answering(&response).await;
    let exchange = post(&plain_egress(&["127.0.0.1"]), &receiver.url()).await;
    assert_eq!(exchange.outcome, Outcome::Status);
    assert_eq!(exchange.status, Some(status.parse().unwrap()));
    assert!(exchange.error.unwrap().contains("redirects are not followed"));
    canary.assert_untouched();
}

#[tokio::test]
async fn row_19_redirects() {
    for status in ["301", "302", "303"] {
        redirected(status).await;
    }
}

#[tokio::test]
async fn row_20_redirects_that_keep_the_body() {
    for status in ["307", "308"] {
        redirected(status).await;
    }
}

#[tokio::test]
async fn row_21_names_of_local_networks_and_search_lists() {
    assert_refused(&[
        "https://localhost/",
        "https://a.localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://kubernetes.default.svc.cluster.local/",
        "https://router.home.arpa/",
        "https://kubernetes/",
    ])
    .await;

    // A final dot keeps the resolver from trying the name under the machine's own domains.
    let script = Script::new(&[&["10.0.0.1"]]);
    post(&egress(&[], script.clone()), "https://kubernetes.default/").await;
    assert_eq!(script.asked(), ["kubernetes.default."]);
}

#[tokio::test]
async fn row_22_dots_case_and_full_width() {
    let port = Canary::bind("127.0.0.1:0").port();
    let urls = [
        format!("https://127.0.0.1.:{port}/"),
        format!("https://LOCALHOST.:{port}/"),
        format!("https://１２７.０.０.１:{port}/"),
        format!("https://127。0。0。1:{port}/"),
        format!("https://ⓛocalhost:{port}/"),
        format!("https://Printer.LOCAL.:{port}/"),
    ];
    assert_refused(&urls.each_ref().map(String::as_str)).await;

    let script = Script::new(&[&["10.0.0.1"]]);
    let egress = egress(&[], script.clone());
    for url in ["https://Hooks.Example.COM./", "https://bücher.example/"] {
        post(&egress, url).await;
    }
    assert_eq!(script.asked(), ["hooks.example.com.", "xn--bcher-kva.example."]);
}

#[tokio::test]
async fn row_23_userinfo() {
    assert_refused(&[
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com:443@127.0.0.1/",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com\\@127.0.0.1/",
    ])
    .await;
}

#[tokio::test]
async fn row_24_ports_of_other_services() {
    let urls = [22, 25, 53, 2375, 2379, 3306, 5432, 6379, 9200, 11211, 27017]
        .map(|port| format!("https://hooks.example.com:{port}/"));
    assert_refused(&urls.each_ref().map(String::as_str)).await;

    // With an opened network a name may be saved with any port; what it leads to decides.
    let egress = egress(&["10.0.0.0/8"], Script::new(&[&["8.8.8.8"]]));
    assert_eq!(post(&egress, "https://hooks.example.com:6379/").await.outcome, Outcome::Blocked);
}

#[tokio::test]
async fn row_25_plain_http() {
    assert_refused(&["http://hooks.example.com/", "http://8.8.8.8/"]).await;

    let egress = egress(&["10.0.0.0/8"], Script::new(&[&["8.8.8.8"]]));
    assert_eq!(post(&egress, "http://hooks.example.com/").await.outcome, Outcome::Blocked);
}

#[tokio::test]
async fn row_26_proxies_of_the_environment() {
    let canary = Canary::bind("127.0.0.1:0");
    let proxy = format!("http://127.0.0.1:{}", canary.port());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "ssrf_table::row_26_in_a_child"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &proxy);
    }
    let output = child.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && report.contains("1 passed"), "{report}");
    canary.assert_untouched();
}

/// What [`row_26_proxies_of_the_environment`] runs under an environment full of proxies.
#[tokio::test]
async fn row_26_in_a_child() {
    let receiver = Receiver::answering(OK).await;
    let egress = plain_egress(&["127.0.0.1"]);
    assert_eq!(post(&egress, &receiver.url()).await.outcome, Outcome::Delivered);
    // It speaks no TLS, but it must be the receiver that is asked for it.
    let mute = Receiver::start("127.0.0.1:0", |stream, _| async { drop(stream) }).await;
    assert_eq!(post(&egress, &mute.url().replace("http", "https")).await.outcome, Outcome::Tls);
    assert_eq!((receiver.accepted(), mute.accepted()), (1, 1));
}

#[tokio::test]
async fn row_27_a_kept_connection_outlives_its_verdict_only_briefly() {
    assert!(CONNECTION_LIFETIME * 2 <= Duration::from_secs(60));
    assert!(LONGEST_CACHED <= Duration::from_secs(60));

    let receiver = Receiver::answering(OK).await;
    let port = receiver.address.port();
    let mut config = config(&["127.0.0.1"], Script::new(&[&["127.0.0.1"], &["10.0.0.1"]]));
    config.connection_lifetime = Duration::ZERO;
    let egress = Egress::new(config).unwrap();
    let url = format!("http://hooks.example.com:{port}/");
    assert_eq!(post(&egress, &url).await.outcome, Outcome::Delivered);
    // The connection could go on, but it has lived long enough, so the name is judged again.
    assert_eq!(post(&egress, &url).await.outcome, Outcome::Blocked);
}

#[tokio::test]
async fn row_28_replies_are_kept_as_capped_text() {
    let body = "x".repeat(100_000);
    let length = body.len();
    let noise = "y".repeat(6_000);
    let response =
        format!("HTTP/1.1 200 OK\r\nA: {noise}\r\nB: {noise}\r\nContent-Length: {length}\r\n\r\n{body}");
    let receiver = Receiver::answering(&response).await;
    let exchange = post(&plain_egress(&["127.0.0.1"]), &receiver.url()).await;
    assert_eq!(exchange.outcome, Outcome::Delivered);
    assert_eq!(exchange.reply.len(), 16 * 1024);
    assert!(exchange.reply_truncated);
    assert_eq!(exchange.headers.len(), 1, "{noise} and {noise} do not both fit");
}

#[tokio::test]
async fn row_29_errors_are_coarse() {
    let receiver = Receiver::start("127.0.0.1:0", |stream, _| async { drop(stream) }).await;
    let closed = Canary::bind("127.0.0.1:0").port();
    let egress = egress(&["127.0.0.1"], Script::new(&[&["127.0.0.1"], &["10.0.0.1"], &["192.168.0.1"]]));

    let refused = post(&egress, &format!("http://127.0.0.1:{closed}/")).await;
    assert_eq!(refused.outcome, Outcome::Connect);
    let broken = post(&egress, &receiver.url()).await;
    assert_eq!(broken.outcome, Outcome::Protocol);
    let no_tls = post(&egress, &receiver.url().replace("http", "https")).await;
    assert_eq!(no_tls.outcome, Outcome::Tls);

    post(&egress, "https://hooks.example.com/").await;
    let blocked = post(&egress, "https://hooks.example.com/").await;
    let blocked_too = post(&egress, "https://hooks.example.com/").await;
    assert_eq!(blocked.outcome, Outcome::Blocked);
    assert_eq!(blocked.error, blocked_too.error, "which inner address it was is not told");

    for exchange in [refused, broken, no_tls, blocked] {
        let error = exchange.error.unwrap();
        for detail in ["127.0.0.1", "10.0.0.1", "os error", "refused", "reset", "Error"] {
            assert!(!error.contains(detail), "{error}");
        }
    }
}

#[tokio::test]
async fn row_30_saving_asks_no_network() {
    let canary = Canary::bind("127.0.0.1:0");
    let opened = networks(&["127.0.0.1"]);
    for host in ["127.0.0.1", "localhost", "hooks.example.com"] {
        assert!(Target::parse(&format!("http://{host}:{}/", canary.port()), &opened).is_ok());
    }
    canary.assert_untouched();
}

#[tokio::test]
async fn row_31_endless_slow_and_compressed_bodies() {
    endless_body().await;
    slow_body().await;
    compressed_body().await;
}

async fn endless_body() {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let receiver = Receiver::start("127.0.0.1:0", move |mut stream, _| {
        let counter = Arc::clone(&counter);
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while let Ok(bytes) = stream.write(&[b'x'; 65_536]).await {
                counter.fetch_add(bytes, Ordering::SeqCst);
            }
        }
    })
    .await;
    let exchange = post(&plain_egress(&["127.0.0.1"]), &receiver.url()).await;
    assert_eq!((exchange.outcome, exchange.reply.len()), (Outcome::Delivered, 16 * 1024));
    assert!(exchange.reply_truncated);
    // What the socket's own buffers swallow, and no more.
    assert!(written.load(Ordering::SeqCst) < 32 * 1024 * 1024);
}

async fn slow_body() {
    let receiver = Receiver::start("127.0.0.1:0", |mut stream, _| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await;
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        while stream.write_all(b"x").await.is_ok() {
            pace.tick().await;
        }
    })
    .await;
    let mut config = config(&["127.0.0.1"], Script::new(&[]));
    config.timeout = SHORT;
    let exchange = post(&Egress::new(config).unwrap(), &receiver.url()).await;
    assert_eq!(exchange.outcome, Outcome::Delivered, "the receiver has taken it");
    assert!(exchange.reply_truncated && exchange.reply.starts_with('x'));
    assert!(exchange.duration >= SHORT && exchange.duration < SHORT * 20);
}

/// What unpacks to something huge is not unpacked.
async fn compressed_body() {
    let receiver = Receiver::start("127.0.0.1:0", |mut stream, _| async move {
        read_request(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n";
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(b"\x1f\x8b\x08\x00").await;
    })
    .await;
    let exchange = post(&plain_egress(&["127.0.0.1"]), &receiver.url()).await;
    assert_eq!(exchange.outcome, Outcome::Delivered);
    assert_eq!(exchange.reply, "\u{1f}\u{fffd}\u{8}\u{fffd}");
}

#[tokio::test]
async fn row_32_headers_that_belong_to_the_client() {
    let seen = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&seen);
    let receiver = Receiver::start("127.0.0.1:0", move |stream, _| {
        let sink = Arc::clone(&sink);
        answer_all(stream, OK.to_owned(), move |request| *sink.lock().unwrap() = request)
    })
    .await;
    let mut request = request(&receiver.url());
    for (name, value) in [
        ("host", "elsewhere.example"),
        ("content-length", "3"),
        ("transfer-encoding", "chunked"),
        ("connection", "close, x-secret"),
        ("x-secret", "kept"),
    ] {
        assert_eq!(checked_name(name).is_err(), name != "x-secret");
        request.headers.insert(name, HeaderValue::from_static(value));
    }
    let exchange = gatepost_webhook::transport::Transport::send(&plain_egress(&["127.0.0.1"]), request).await;
    assert_eq!(exchange.outcome, Outcome::Delivered);
    let seen = seen.lock().unwrap().to_ascii_lowercase();
    assert!(seen.contains(&format!("host: {}\r\n", receiver.address)), "{seen}");
    assert!(seen.contains("content-length: 11\r\n") && seen.contains("x-secret: kept\r\n"), "{seen}");
    for gone in ["elsewhere", "transfer-encoding", "connection:", "content-length: 3"] {
        assert!(!seen.contains(gone), "{seen}");
    }
    assert!(checked_name("Metadata-Flavor").is_err() && checked_name("Webhook-Id").is_err());
    assert!(HeaderValue::from_str("a\r\nHost: b").is_err(), "no value can end its line");
}

/// No library that serves requests may build a client or dial by itself. The exceptions: the store reaches its database, the
/// command line its own server, and the test kit both.
#[test]
fn row_33_there_is_no_second_way_out() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut seen = 0;
    for folder in std::fs::read_dir(crates).unwrap() {
        let folder = folder.unwrap().path();
        if ["store", "testkit", "gatepost"].iter().any(|exception| folder.ends_with(exception)) {
            continue;
        }
        seen += sources(&folder.join("src"), &|path, text| {
            if path.starts_with(crates.join("webhook/src/egress")) || path.ends_with("webhook/src/egress.rs")
            {
                return;
            }
            for dialler in [
                "TcpStream::connect",
                "TcpSocket",
                "UdpSocket",
                "legacy::Client",
                "client::conn",
                "reqwest",
                "ureq",
            ] {
                assert!(!text.contains(dialler), "{} has {dialler}: send through Egress", path.display());
            }
        });
    }
    assert!(seen > 10, "only {seen} files were looked at");
}

/// Calls `look` with every Rust file under `folder`, and counts them.
fn sources(folder: &Path, look: &dyn Fn(&Path, &str)) -> usize {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            seen += sources(&path, look);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            look(&path, &std::fs::read_to_string(&path).unwrap());
            seen += 1;
        }
    }
    seen
}

#[tokio::test]
async fn row_34_names_of_the_hosts_file_and_of_neighbours() {
    assert_refused(&["https://backend/", "https://receiver:8443/", "https://db./"]).await;

    // The name goes to the resolver as it stands, and that one reads no hosts file (see `resolver`).
    let script = Script::new(&[]);
    let exchange = post(&egress(&[], script.clone()), "https://backend.example/").await;
    assert_eq!(exchange.outcome, Outcome::Dns);
    assert_eq!(script.asked(), ["backend.example."]);
}

#[tokio::test]
async fn row_35_zone_ids() {
    assert_refused(&["https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[2606:4700::1%25lo]/"])
        .await;
    assert!("fe80::1%eth0".parse::<IpAddr>().is_err());
}
