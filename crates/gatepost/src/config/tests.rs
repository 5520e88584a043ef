use std::path::Path;
use std::time::Duration;

use gatepost_core::retention::Retention;
use gatepost_model::retry::RetrySchedule;
use gatepost_store::{Location, PostgresUrl};
use toml::Value;

use super::*;

fn problems(text: &str) -> Vec<String> {
    match Config::from_text(text, Path::new("data")) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let config = Config::from_text("", Path::new("data")).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.server.admin_socket, Path::new("data/admin.sock"));
    assert_eq!(config.webhooks.retry_schedule, RetrySchedule::default());
    assert!(config.webhooks.allow_networks.is_empty());
    assert_eq!(config.rate_limit.requests_per_hour, 1000);
    assert_eq!(config.retention, Retention::default());
    assert_eq!(config.store.location, Location::Sqlite("data/gatepost.db".into()));
    assert_eq!(config.log.format, LogFormat::Text);
    assert!(config.warnings().is_empty());
}

#[test]
fn every_key_of_the_documentation_is_read_and_judged() {
    let keys: Vec<String> = Layers::new(DEFAULTS).entries().map(|(key, _)| key.to_owned()).collect();
    assert!(keys.len() > 20);
    for key in keys {
        let (section, name) = key.split_once('.').unwrap();
        let found = problems(&format!("[{section}]\n{name} = {{ wrong = true }}\n"));
        assert!(
            found.iter().any(|text| text.starts_with(&format!("{key} (gatepost.toml line 2): must be "))),
            "{key}: {found:?}"
        );
    }
}

#[test]
fn every_key_of_the_documentation_has_a_comment() {
    let mut commented = false;
    for line in DEFAULTS.lines() {
        let same_comment = line.starts_with("reader_cache_kib");
        assert!(line.is_empty() || line.starts_with(['#', '[']) || commented || same_comment, "{line}");
        commented = line.starts_with('#');
    }
}

#[test]
fn bad_values_are_named_with_key_place_and_remedy() {
    let cases = [
        (
            "[server]\nlisten = \"8080\"",
            "server.listen (gatepost.toml line 2): \"8080\" is not an address and port like 127.0.0.1:8080",
        ),
        (
            "[server]\nthreads = 0",
            "server.threads (gatepost.toml line 2): must be a whole number from 1 to 256",
        ),
        (
            "[webhooks]\ntimeout = \"1x\"",
            "webhooks.timeout (gatepost.toml line 2): \"1x\" is not a duration; write one like 500ms, 90s, 5m, 24h, 7d or 1h30m",
        ),
        (
            "[webhooks]\ntimeout = \"1h\"",
            "webhooks.timeout (gatepost.toml line 2): must be from 100ms to 5m, not 1h",
        ),
        (
            "[webhooks]\nallow_networks = [\"office\"]",
            "webhooks.allow_networks (gatepost.toml line 2): \"office\" is neither an IP address nor a network like 203.0.113.0/24 or 2001:db8::/32",
        ),
        (
            "[webhooks]\nlease = \"35s\"",
            "webhooks.lease (gatepost.toml line 2): must be at least twice webhooks.timeout and six seconds, or a slow receiver could get a delivery twice",
        ),
        (
            "[log]\nformat = \"xml\"",
            "log.format (gatepost.toml line 2): \"xml\" is no log format; there are text and json",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(problems(text), [wanted]);
    }
    assert_eq!(problems("[log]\nformat = 1\nlevel = 2\n[x]\ny = 1").len(), 3, "all are named in one run");
}

#[test]
fn locations_of_databases() {
    for (given, path) in [
        ("", "data/gatepost.db"),
        ("a.db", "a.db"),
        ("/x/a.db", "/x/a.db"),
        ("sqlite:a.db", "a.db"),
        ("sqlite:///x/a.db", "/x/a.db"),
    ] {
        let config =
            Config::from_text(&format!("[store]\ndatabase = \"{given}\""), Path::new("data")).unwrap();
        assert_eq!(config.store.location, Location::Sqlite(path.into()), "{given}");
    }
    let config =
        Config::from_text("[store]\ndatabase = \"postgres://me:s3cret@db/gatepost\"", Path::new("data"))
            .unwrap();
    assert_eq!(
        config.store.location,
        Location::Postgres(PostgresUrl::new("postgres://me:s3cret@db/gatepost"))
    );
    assert!(!format!("{config:?}").contains("s3cret"));
    let mut layers = Layers::new(DEFAULTS);
    layers.lay_flag("--database", "store.database", String::from("postgres://me:s3cret@db/gatepost"));
    assert!(!shown(&layers).contains("s3cret"));
    assert!(shown(&layers).contains("postgres://db/gatepost"));
    for bad in ["mysql://x", "sqlite:"] {
        assert_eq!(problems(&format!("[store]\ndatabase = \"{bad}\"")).len(), 1, "{bad}");
    }
}

#[test]
fn public_urls_have_nothing_but_scheme_host_and_port() {
    let read = |url: &str| Config::from_text(&format!("[server]\npublic_url = \"{url}\""), Path::new("data"));
    assert_eq!(
        read("https://api.example.com/").unwrap().server.public_url.as_deref(),
        Some("https://api.example.com")
    );
    for bad in ["api.example.com", "ftp://x", "https://x/path", "https://u:p@x", "https://x/?q"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn dangerous_combinations_are_warned_of() {
    let warnings = |text: &str| Config::from_text(text, Path::new("data")).unwrap().warnings();
    assert_eq!(warnings("[webhooks]\nallow_networks = [\"127.0.0.0/8\"]").len(), 1);
    let open = "[server]\nlisten = \"0.0.0.0:80\"\n";
    assert_eq!(warnings(open).len(), 1);
    assert_eq!(warnings(&format!("{open}public_url = \"http://api.example.com\"")).len(), 1);
    assert!(warnings(&format!("{open}public_url = \"https://api.example.com\"")).is_empty());
    assert!(warnings("[server]\npublic_url = \"http://localhost:8080\"").is_empty());
    assert_eq!(warnings("[server]\ntrusted_proxies = [\"0.0.0.0/0\"]").len(), 1);
}

#[test]
fn layers_stand_in_order_and_show_says_so() {
    let folder = std::env::temp_dir().join(format!("gatepost-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join(FILE_NAME),
        "[webhooks]\nretry_schedule = [\"1s\"]\ntimeout = \"1s\"\n[server]\nlisten = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let inputs = Inputs {
        data: folder.clone(),
        file: None,
        environment: vec![
            ("GATEPOST__WEBHOOKS__TIMEOUT".into(), "2s".into()),
            ("GATEPOST__SERVER__LISTEN".into(), "127.0.0.1:2".into()),
        ],
        flags: vec![("--listen", "server.listen", "127.0.0.1:3".into())],
    };
    let config = inputs.load().unwrap();
    let text = shown(&inputs.layers());
    let missing = Inputs { file: Some(folder.join("missing.toml")), ..inputs }.load();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(config.webhooks.retry_schedule.pauses(), [Duration::from_secs(1)]);
    assert_eq!(config.webhooks.timeout, Duration::from_secs(2));
    assert_eq!(config.server.listen.port(), 3);
    assert!(text.contains("listen = \"127.0.0.1:3\"  # flag --listen"), "{text}");
    assert!(text.contains("timeout = \"2s\"  # environment GATEPOST__WEBHOOKS__TIMEOUT"), "{text}");
    assert!(text.contains("gatepost.toml line 2"), "{text}");
    assert!(text.contains("\nconcurrency = 512\n"), "{text}");
    assert!(missing.unwrap_err().to_string().contains("missing.toml (file): cannot be read"));
}

#[test]
fn an_environment_value_of_another_kind_is_refused() {
    let mut layers = Layers::new(DEFAULTS);
    layers.lay_environment([("GATEPOST__RATE_LIMIT__REQUESTS_PER_HOUR".into(), "many".into())]);
    assert_eq!(layers.entry("rate_limit.requests_per_hour").unwrap().value, Value::String("many".into()));
    let problems = Config::from_layers(&layers, Path::new("data")).unwrap_err();
    assert!(
        problems.to_string().contains("environment GATEPOST__RATE_LIMIT__REQUESTS_PER_HOUR"),
        "{problems}"
    );
}

#[test]
fn events_outlive_their_deliveries() {
    let found = problems("[retention]\ndeliveries = \"10d\"\nevents = \"9d\"");
    assert!(
        found
            .iter()
            .any(|text| text.starts_with("retention.events (gatepost.toml line 3): must not be shorter")),
        "{found:?}"
    );
    assert!(problems("[retention]\ndeliveries = \"10d\"\nevents = \"10d\"\naudit = \"365d\"").is_empty());
}
