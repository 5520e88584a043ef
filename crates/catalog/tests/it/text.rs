//! A deployment's own catalog: what is read, and what is said about each mistake.

use gatepost_catalog::Catalog;

/// A good entity type, before its fields.
const HEAD: &str = r#"
[[entity]]
number = 1
path = "boats"
entity_type = "boat"
label = "Boat"
group = "Harbour"
capabilities = ["list", "create"]
"#;

fn refusal(text: &str) -> String {
    match Catalog::parse(text) {
        Ok(_) => "read".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_small_catalog_is_read() {
    let text = format!(
        "[common]\nindex = {{ type = \"number\" }}\n{HEAD}[entity.fields]\nname = {{ type = \"text\" }}\n"
    );
    let catalog = Catalog::parse(&text).unwrap();
    let boat = catalog.lookup_path("boats").unwrap();
    assert_eq!(boat.fields.keys().collect::<Vec<_>>(), ["index", "name"]);
    assert_eq!(
        boat.methods().map(String::from).collect::<Vec<_>>(),
        ["boat.create", "boat.edit", "boat.remove"]
    );
}

#[test]
fn unknown_keys_are_named() {
    for (text, key) in [
        ("[[entities]]\n".to_owned(), "entities"),
        (format!("{HEAD}colour = 5\n[entity.fields]\n"), "colour"),
        (format!("{HEAD}[entity.fields]\nname = {{ type = \"text\", requried = true }}\n"), "requried"),
        (format!("{HEAD}[entity.fields]\nname = {{ type = \"string\" }}\n"), "string"),
        (HEAD.replace("\"list\"", "\"sail\""), "sail"),
        (HEAD.replace("number = 1", "number = 70000"), "number"),
        (HEAD.to_owned(), "fields"),
    ] {
        let refusal = refusal(&text);
        assert!(refusal.starts_with("the catalog cannot be read: ") && refusal.contains(key), "{refusal}");
    }
    assert_eq!(refusal(""), "the catalog has no [[entity]]");
}

#[test]
fn inconsistent_types_are_explained() {
    let fields = "[entity.fields]\nname = { type = \"text\" }\n";
    let twin = HEAD.replace("boats", "ships");
    for (text, expected) in [
        (
            HEAD.replace("\"boats\"", "\"Boats\"") + fields,
            r#"its path "Boats" is not made of a-z, 0-9 and hyphens"#,
        ),
        (HEAD.replace("\"boats\"", "\"\"") + fields, r#"its path "" is not made of a-z, 0-9 and hyphens"#),
        (HEAD.replace("\"Boat\"", "\"\"") + fields, "its label is empty"),
        (HEAD.replace("\"Harbour\"", "\"\"") + fields, "its group is empty"),
        (HEAD.replace("[\"list\", \"create\"]", "[]") + fields, "its list of capabilities is empty"),
        (
            format!("{HEAD}{fields}{twin}{fields}"),
            r#"its number is already that of "boat"; each type needs its own"#,
        ),
        (
            format!("{HEAD}{fields}{}{fields}", twin.replace("number = 1", "number = 2")),
            r#"its entity_type is already that of "boat"; each type needs its own"#,
        ),
        (
            format!("{HEAD}list_needs = [[\"port\"]]\n{fields}"),
            r#"list_needs names "port", which is not one of its fields"#,
        ),
        (format!("{HEAD}list_needs = [[]]\n{fields}"), "its list_needs alternative is empty"),
        (
            format!("{HEAD}aliases = {{ name = [\"name\"] }}\n{fields}"),
            r#"the alias "name" needs other paths, of names between dots"#,
        ),
        (
            format!("{HEAD}aliases = {{ \"a..b\" = [\"c\"] }}\n{fields}"),
            r#"the alias "a..b" needs other paths, of names between dots"#,
        ),
        (
            format!(
                "{HEAD}{fields}[[entity.rules]]\nfield = \"sail\"\nvalues = [\"x\"]\nbeside = {{ field = \"name\", value = \"y\" }}\n"
            ),
            r#"a rule names "sail", which is not one of its fields"#,
        ),
        (
            format!(
                "{HEAD}{fields}[[entity.rules]]\nfield = \"name\"\nvalues = []\nbeside = {{ field = \"name\", value = \"y\" }}\n"
            ),
            "its rule's list of values is empty",
        ),
    ] {
        assert_eq!(refusal(&text), format!(r#"entity type "boat": {expected}"#));
    }
    let refusal = refusal(&(HEAD.replace("\"boat\"", "\"Boat\"") + fields));
    assert!(refusal.starts_with(r#"entity type "Boat": its entity_type is not made of"#), "{refusal}");
}

#[test]
fn inconsistent_fields_are_explained() {
    for (name, field, expected) in [
        ("\"a.b\"", "type = \"text\"", "a field's name is not empty, has no dot, and does not begin with $"),
        ("\"$a\"", "type = \"text\"", "a field's name is not empty, has no dot, and does not begin with $"),
        (
            "sort",
            "type = \"text\"",
            "this name means something else in a query, so no list could be filtered by it",
        ),
        ("a", "type = \"number\", default = \"x\"", "its default \"x\" does not have its type"),
        (
            "a",
            "type = \"text\", values = [\"y\"], default = \"x\"",
            "its default \"x\" is not among its values",
        ),
        ("a", "type = \"number\", values = [\"y\"]", "only a text field can list values"),
        ("a", "type = \"text\", unknown = \"reject\"", "`unknown` needs a list of values"),
        (
            "a",
            "type = \"text\", required = true, default = \"x\"",
            "it has a default, so it is never missing; it cannot be required too",
        ),
        (
            "_id",
            "type = \"text\", required = true",
            "it is set by the server, so a client cannot be required to send it",
        ),
        (
            "a",
            "type = \"text\", required_unless = \"b\"",
            "required_unless names \"b\", which is not one of its fields",
        ),
    ] {
        let text = format!("{HEAD}[entity.fields]\n{name} = {{ {field} }}\n");
        let name = name.trim_matches('"');
        assert_eq!(refusal(&text), format!("entity type \"boat\", field \"{name}\": {expected}"));
    }
}
