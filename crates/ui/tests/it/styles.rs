//! The styles keep their promises: contrast, colours in one file, nothing inline.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const TOKENS: &str = include_str!("../../assets/css/tokens.css");

/// Text needs 4.5 on its ground (WCAG 2.2, 1.4.3).
const TEXT: [(&str, &str); 14] = [
    ("ink", "paper"),
    ("ink", "surface"),
    ("ink", "raised"),
    ("ink-2", "paper"),
    ("ink-2", "surface"),
    ("ink-2", "sunken"),
    ("ink-2", "bad-soft"),
    ("accent", "surface"),
    ("accent", "accent-soft"),
    ("on-accent", "accent"),
    ("ok", "ok-soft"),
    ("warn", "warn-soft"),
    ("bad", "bad-soft"),
    ("on-bad", "bad-fill"),
];

/// Edges of what can be used need 3 (WCAG 2.2, 1.4.11).
const EDGES: [(&str, &str); 2] = [("control", "surface"), ("control", "paper")];

/// Each token's luminance, light and dark.
fn luminances() -> BTreeMap<String, [f64; 2]> {
    let mut found = BTreeMap::new();
    for line in TOKENS.lines().filter_map(|line| line.strip_prefix("--")) {
        let (name, value) = line.split_once(':').unwrap();
        let value = value.trim_end_matches('}').trim_end_matches(';');
        let pair = value.strip_prefix("light-dark(").and_then(|pair| pair.strip_suffix(')'));
        let colours = match pair {
            Some(pair) => pair.split(", ").map(luminance).collect::<Option<Vec<_>>>(),
            None => luminance(value).map(|one| vec![one, one]),
        };
        if let Some(colours) = colours {
            found.insert(name.to_owned(), [colours[0], colours[1]]);
        }
    }
    found
}

/// Of `#fff` or `oklch(L C H)`: relative luminance, by the matrices of CSS Color 4.
fn luminance(colour: &str) -> Option<f64> {
    if colour == "#fff" {
        return Some(1.0);
    }
    let inner = colour.strip_prefix("oklch(")?.strip_suffix(')')?;
    let parts: Vec<f64> = inner.split(' ').map_while(|part| part.parse().ok()).collect();
    let [lightness, chroma, hue] = parts[..] else { return None };
    let (sin, cos) = hue.to_radians().sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    let red = 4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s;
    let green = -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s;
    let blue = -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s;
    let [red, green, blue] = [red, green, blue].map(|part| part.clamp(0.0, 1.0));
    Some(0.2126 * red + 0.7152 * green + 0.0722 * blue)
}

#[test]
fn colours_can_be_told_apart_in_light_and_dark() {
    let found = luminances();
    for (pairs, least) in [(&TEXT[..], 4.5), (&EDGES[..], 3.0)] {
        for (over, ground) in pairs {
            for (one, other) in found[*over].into_iter().zip(found[*ground]) {
                let ratio = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(ratio >= least, "{over} on {ground}: {ratio:.2}");
            }
        }
    }
}

#[test]
fn colours_are_named_in_one_file() {
    for file in files("assets/css").into_iter().filter(|file| !file.ends_with("tokens.css")) {
        let text = fs::read_to_string(&file).unwrap();
        // What a mask hides is black by nature, and a picture cannot read a token.
        let text = text.replace("linear-gradient(90deg, #000 88%, transparent)", "");
        for colour in ["oklch(", "rgb(", "hsl(", ":#", " #f", " #0"] {
            assert!(!text.contains(colour), "{colour} in {}", file.display());
        }
    }
}

#[test]
fn every_class_of_the_styles_is_on_some_page() {
    let read = |file: PathBuf| fs::read_to_string(file).unwrap_or_default();
    let written: Vec<String> = files("templates").into_iter().chain(files("src")).map(read).collect();
    let script = include_str!("../../assets/gatepost.js");
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
    // Templates name classes in their attributes, pages in texts of their own.
    let named = written.iter().flat_map(|text| text.split('"').skip(1).step_by(2)).chain([script]);
    let used: BTreeSet<&str> = named.flat_map(|text| text.split(|c| !is_word(c))).collect();
    let mut unused = BTreeSet::new();
    for css in files("assets/css").into_iter().map(read) {
        let selectors = css.split('}').filter_map(|rule| rule.rsplit_once('{')).map(|(selector, _)| selector);
        for class in selectors.flat_map(|selector| selector.split('.').skip(1)) {
            let class: String = class.chars().take_while(|c| is_word(*c)).collect();
            let is_name = class.starts_with(|first: char| first.is_ascii_alphabetic());
            if is_name && !used.contains(class.as_str()) {
                unused.insert(class);
            }
        }
    }
    assert!(unused.is_empty(), "delete what styles these: {unused:?}");
}

#[test]
fn no_page_holds_styles_or_script_of_its_own() {
    for file in files("templates") {
        let text = fs::read_to_string(&file).unwrap();
        for inline in [" style=", " onclick", " onload", " onerror", "<style", "<script>", "javascript:"] {
            assert!(!text.contains(inline), "{inline} in {}", file.display());
        }
    }
}

#[test]
fn what_is_taken_over_is_what_it_says() {
    let readme = include_str!("../../assets/vendor/README.md");
    let htmx = include_bytes!("../../assets/vendor/htmx-2.0.11.min.js");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, htmx);
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(readme.contains(&hash), "{hash}");
}

/// Every file below a folder of this package.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    assert!(!found.is_empty());
    found
}
