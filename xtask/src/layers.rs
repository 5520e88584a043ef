//! Which crate may know which: a crate exists to forbid an import.

use crate::breach::Breach;
use crate::deny::{self, Ban};
use crate::metadata::{Dependency, Package};
use crate::rust_text::{Kind, pieces};
use crate::tree::File;

/// Each package of the workspace, and those of the workspace that it may depend on. Tests may use what they
/// like, so dev-dependencies are not looked at. `gatepost-testkit` is for tests only: no line allows it.
const EDGES: [(&str, &[&str]); 13] = [
    ("gatepost-model", &[]),
    ("gatepost-catalog", &["gatepost-model"]),
    ("gatepost-keys", &["gatepost-model"]),
    ("gatepost-store", &["gatepost-catalog", "gatepost-model"]),
    ("gatepost-core", &["gatepost-catalog", "gatepost-keys", "gatepost-model", "gatepost-store"]),
    ("gatepost-webhook", &["gatepost-keys", "gatepost-model", "gatepost-store"]),
    ("gatepost-http", &["gatepost-core", "gatepost-model"]),
    (
        "gatepost-api",
        &["gatepost-catalog", "gatepost-core", "gatepost-http", "gatepost-keys", "gatepost-model"],
    ),
    (
        "gatepost-ui",
        &["gatepost-catalog", "gatepost-core", "gatepost-http", "gatepost-keys", "gatepost-model"],
    ),
    (
        "gatepost",
        &[
            "gatepost-api",
            "gatepost-catalog",
            "gatepost-core",
            "gatepost-http",
            "gatepost-keys",
            "gatepost-model",
            "gatepost-store",
            "gatepost-ui",
            "gatepost-webhook",
        ],
    ),
    (
        "gatepost-testkit",
        &[
            "gatepost",
            "gatepost-api",
            "gatepost-catalog",
            "gatepost-core",
            "gatepost-http",
            "gatepost-keys",
            "gatepost-model",
            "gatepost-store",
            "gatepost-ui",
            "gatepost-webhook",
        ],
    ),
    // The bench measures the product's own parts as limits.
    (
        "gatepost-bench",
        &[
            "gatepost-catalog",
            "gatepost-core",
            "gatepost-keys",
            "gatepost-model",
            "gatepost-store",
            "gatepost-webhook",
        ],
    ),
    ("xtask", &[]),
];

/// Where HTTP requests may be made. In the server that is the guarded egress of the webhook crate alone;
/// the binary's demo, the test harness and the bench call the server from outside.
const HTTP_CLIENT_HOMES: [&str; 4] = ["crates/webhook/", "crates/gatepost/", "crates/testkit/", "bench/"];
const HTTP_CLIENTS: [&str; 2] = ["hyper::client", "hyper_util::client"];

/// Dependencies between packages of the workspace that the table does not allow.
pub(crate) fn edges(packages: &[Package]) -> Vec<Breach> {
    packages.iter().flat_map(edges_of).collect()
}

fn edges_of(package: &Package) -> Vec<Breach> {
    let Some((name, allowed)) = EDGES.iter().find(|(name, _)| *name == package.name) else {
        let what = "a package that the table of layers does not know";
        let mend = "give it a line in EDGES of xtask/src/layers.rs, and say in an ADR why it exists";
        return vec![Breach::new(&package.name, what, mend)];
    };
    let internal = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
    let forbidden = internal
        .filter(|dependency| !dependency.is_dev() && !allowed.contains(&dependency.name.as_str()))
        .map(|dependency| forbidden_edge(name, allowed, dependency));
    forbidden.collect()
}

fn forbidden_edge(name: &str, allowed: &[&str], dependency: &Dependency) -> Breach {
    let allowed = if allowed.is_empty() { "no other package".to_owned() } else { allowed.join(", ") };
    Breach::new(
        format!("Cargo.toml of {name}"),
        format!("depends on {}, but may depend on {allowed}", dependency.name),
        "move the shared part to a lower layer or take it as an argument; an edge that is right after all \
         goes into EDGES of xtask/src/layers.rs, with an ADR",
    )
}

/// Dependencies on outside crates that `deny.toml` confines to other packages, tests included.
pub(crate) fn confined(packages: &[Package], bans: &[Ban]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for ban in bans {
        let users = packages.iter().filter(|package| package.dependencies.iter().any(|d| d.name == ban.name));
        for user in users.filter(|user| !ban.wrappers.contains(&user.name)) {
            breaches.push(misplaced(user, ban));
        }
    }
    breaches
}

fn misplaced(user: &Package, ban: &Ban) -> Breach {
    let homes = match ban.wrappers.as_slice() {
        [] => "nobody may".to_owned(),
        homes => format!("only {} may", homes.join(", ")),
    };
    Breach::new(
        format!("Cargo.toml of {}", user.name),
        format!("depends on {}, which {homes}: {}", ban.name, ban.reason),
        format!("do it through a package that may, or change {} with an ADR", deny::FILE),
    )
}

/// Code that makes HTTP requests where the guarded egress could be passed by.
pub(crate) fn http_clients(tree: &[File]) -> Vec<Breach> {
    let elsewhere = |file: &&File| !HTTP_CLIENT_HOMES.iter().any(|home| file.path.starts_with(home));
    tree.iter().filter(|file| file.is_rust()).filter(elsewhere).flat_map(http_clients_in).collect()
}

fn http_clients_in(file: &File) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for piece in pieces(&file.text).iter().filter(|piece| piece.kind == Kind::Code) {
        for line in HTTP_CLIENTS.iter().flat_map(|client| piece.lines_with(client)) {
            breaches.push(Breach::new(
                format!("{}:{line}", file.path),
                "an HTTP client outside the guarded egress",
                "send through gatepost-webhook, which vets every address before it dials",
            ));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{dependency, package};
    use crate::tree::file;

    fn whats(breaches: &[Breach]) -> Vec<&str> {
        breaches.iter().map(|breach| breach.what.as_str()).collect()
    }

    #[test]
    fn an_edge_outside_the_table_is_found() {
        let packages = [package("gatepost-store", vec![dependency("gatepost-core", None)])];
        let expected = "depends on gatepost-core, but may depend on gatepost-catalog, gatepost-model";
        assert_eq!(whats(&edges(&packages)), [expected]);
        let packages = [package("gatepost-model", vec![dependency("gatepost-keys", Some("build"))])];
        assert_eq!(
            whats(&edges(&packages)),
            ["depends on gatepost-keys, but may depend on no other package"]
        );
    }

    #[test]
    fn the_harness_is_for_tests_only() {
        let used_as =
            |kind| edges(&[package("gatepost", vec![dependency("gatepost-testkit", kind)])]).is_empty();
        assert!(used_as(Some("dev")));
        assert!(!used_as(None));
        assert!(EDGES.iter().all(|(_, allowed)| !allowed.contains(&"gatepost-testkit")));
    }

    #[test]
    fn allowed_edges_and_outside_crates_pass_and_unknown_packages_do_not() {
        let dependencies = vec![dependency("gatepost-model", None), dependency("serde", None)];
        assert!(edges(&[package("gatepost-keys", dependencies)]).is_empty());
        assert_eq!(edges(&[package("gatepost-extra", vec![])]).len(), 1);
    }

    #[test]
    fn a_driver_outside_the_store_is_found_even_in_tests() {
        let ban = Ban {
            name: "rusqlite".to_owned(),
            wrappers: vec!["gatepost-store".to_owned()],
            reason: "drivers".to_owned(),
        };
        let user = |name, kind| package(name, vec![dependency("rusqlite", kind)]);
        let packages = [user("gatepost-store", None), user("gatepost-core", Some("dev"))];
        let breaches = confined(&packages, &[ban]);
        assert_eq!(whats(&breaches), ["depends on rusqlite, which only gatepost-store may: drivers"]);
    }

    #[test]
    fn an_http_client_in_the_server_is_found() {
        let source = "// hyper::client is not named here\nuse hyper_util::client::legacy::Client;\n";
        let breaches = http_clients(&[file("crates/core/src/a.rs", source)]);
        assert_eq!(breaches.len(), 1);
        assert_eq!(breaches[0].place, "crates/core/src/a.rs:2");
        assert!(http_clients(&[file("crates/webhook/src/a.rs", source)]).is_empty());
    }
}
