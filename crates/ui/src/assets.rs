//! What pages are made of besides HTML: styles, script, the mark. Their names carry a hash of their content, so they can
//! be kept for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::BASE;
use crate::failure::Failure;

/// The style files in their order, under the layer that each belongs to.
const STYLE: &str = concat!(
    "@layer reset, tokens, base, layout, components, utilities;\n@layer reset{\n",
    include_str!("../assets/css/reset.css"),
    "}\n@layer tokens{\n",
    include_str!("../assets/css/tokens.css"),
    "}\n@layer base{\n",
    include_str!("../assets/css/base.css"),
    "}\n@layer layout{\n",
    include_str!("../assets/css/shared.css"),
    include_str!("../assets/css/layout.css"),
    "}\n@layer components{\n",
    include_str!("../assets/css/icon.css"),
    include_str!("../assets/css/button.css"),
    include_str!("../assets/css/text.css"),
    include_str!("../assets/css/form.css"),
    include_str!("../assets/css/chip.css"),
    include_str!("../assets/css/copy.css"),
    include_str!("../assets/css/card.css"),
    include_str!("../assets/css/callout.css"),
    include_str!("../assets/css/table.css"),
    include_str!("../assets/css/tabs.css"),
    include_str!("../assets/css/kv.css"),
    include_str!("../assets/css/code.css"),
    include_str!("../assets/css/posts.css"),
    include_str!("../assets/css/chart.css"),
    include_str!("../assets/css/methods.css"),
    include_str!("../assets/css/dialog.css"),
    include_str!("../assets/css/misc.css"),
    include_str!("../assets/css/pages.css"),
    include_str!("../assets/css/phone.css"),
    include_str!("../assets/css/tablet.css"),
    "}\n@layer utilities{\n",
    include_str!("../assets/css/utilities.css"),
    "}\n",
);

const SCRIPT: &str = include_str!("../assets/gatepost.js");

/// Taken over whole; `assets/vendor/README.md` says from where.
const HTMX: &str = include_str!("../assets/vendor/htmx-2.0.11.min.js");

const MARK: &str = include_str!("../assets/icon.svg");

/// A file that pages refer to.
struct Asset {
    path: String,
    kind: &'static str,
    content: &'static str,
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        asset("gatepost", "css", "text/css; charset=utf-8", STYLE),
        asset("gatepost", "js", "text/javascript; charset=utf-8", SCRIPT),
        asset("htmx", "js", "text/javascript; charset=utf-8", HTMX),
        asset("gatepost", "svg", "image/svg+xml", MARK),
    ]
});

fn asset(name: &str, ending: &str, kind: &'static str, content: &'static str) -> Asset {
    Asset { path: format!("{BASE}/assets/{name}-{:016x}.{ending}", hash(content)), kind, content }
}

/// The path of the styles.
pub(crate) fn style() -> &'static str {
    &ASSETS[0].path
}

/// The path of our own script.
pub(crate) fn script() -> &'static str {
    &ASSETS[1].path
}

/// The path of htmx.
pub(crate) fn htmx() -> &'static str {
    &ASSETS[2].path
}

/// The path of the mark.
pub(crate) fn mark() -> &'static str {
    &ASSETS[3].path
}

/// `GET /assets/{name}`
pub(crate) async fn get(Path(name): Path<String>) -> Result<Response, Failure> {
    let asset = ASSETS.iter().find(|asset| asset.path.rsplit('/').next() == Some(&name));
    let asset = asset.ok_or(Failure::NotFound)?;
    let headers =
        [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}

/// FNV-1a: it tells contents apart, and is no defence.
fn hash(content: &str) -> u64 {
    content
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_and_script_stay_small() {
        assert!(STYLE.len() <= 30_000, "{} bytes of styles", STYLE.len());
        assert!(SCRIPT.len() <= 6_000, "{} bytes of script", SCRIPT.len());
    }

    #[test]
    fn styles_are_whole() {
        assert_eq!(STYLE.matches('{').count(), STYLE.matches('}').count());
        assert!(!STYLE.contains("@import") && !STYLE.contains("http://") || STYLE.contains("www.w3.org"));
    }

    #[test]
    fn names_follow_the_content() {
        assert!(style().starts_with("/settings/api-manager/assets/gatepost-") && style().ends_with(".css"));
        assert_ne!(hash("a"), hash("b"));
    }
}
