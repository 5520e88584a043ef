//! Licences of what is linked, and crates that must not be linked at all.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::SplitWhitespace;

use crate::breach::Breach;
use crate::deny::{Ban, FILE, Policy};
use crate::metadata::Linked;

/// Packages whose licence the policy does not allow, and packages that it bans outright.
pub(crate) fn check(linked: &BTreeSet<Linked>, policy: &Policy) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in linked {
        let place = format!("{} {}", package.name, package.version);
        let licence = &package.licence;
        if !is_allowed(licence, &policy.licenses.allow) {
            let mend = format!("do without it; a permissive licence may join the list in {FILE}");
            breaches.push(Breach::new(&place, format!("licence `{licence}` is not allowed"), mend));
        }
        let banned_outright = |ban: &&Ban| ban.wrappers.is_empty() && ban.name == package.name;
        if let Some(ban) = policy.bans.deny.iter().find(banned_outright) {
            let mend = format!("`cargo tree --invert {}` names the feature that brings it", package.name);
            breaches.push(Breach::new(&place, format!("is linked, but banned: {}", ban.reason), mend));
        }
    }
    breaches
}

/// Whether an SPDX expression can be met with allowed licences. What is not understood is not allowed.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    any_of(&mut words, allowed) && words.next().is_none()
}

type Words<'a> = Peekable<SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = term(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= term(words, allowed);
    }
    met
}

fn term(words: &mut Words<'_>, allowed: &[String]) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let met = any_of(words, allowed);
        return met && words.next() == Some(")");
    }
    let mut name = words.next().unwrap_or_default().to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        name = format!("{name} WITH {}", words.next().unwrap_or_default());
    }
    allowed.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deny::{Bans, Licences};
    use crate::metadata::linked_package;

    fn allowed() -> Vec<String> {
        ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).to_vec()
    }

    #[test]
    fn expressions_are_weighed_as_spdx_means_them() {
        let cases = [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0/MIT", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
            ("(GPL-3.0 OR AGPL-3.0) AND MIT", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
            ("MIT WITH Classpath-exception-2.0", false),
            ("MIT MIT", false),
            ("", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(is_allowed(expression, &allowed()), expected, "{expression}");
        }
    }

    #[test]
    fn a_foreign_licence_and_a_banned_crate_are_found() {
        let ban = |name: &str, wrappers| Ban { name: name.to_owned(), wrappers, reason: "old".to_owned() };
        let deny = vec![ban("ring", vec![]), ban("rusqlite", vec!["gatepost-store".to_owned()])];
        let policy = Policy { licenses: Licences { allow: allowed() }, bans: Bans { deny } };
        let linked = [("ring", "MIT"), ("rusqlite", "MIT"), ("zeta", "SSPL-1.0")];
        let linked = linked.map(|(name, licence)| linked_package(name, licence)).into();
        let breaches = check(&linked, &policy);
        let found: Vec<_> = breaches.iter().map(|breach| breach.what.as_str()).collect();
        assert_eq!(found, ["is linked, but banned: old", "licence `SSPL-1.0` is not allowed"]);
    }
}
