//! Reading a curl line for what the gate would say to it, without keeping anything that could be secret.

/// A call as a curl line describes it: no header's value, no user, no body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    method: Option<String>,
    url: String,
    has_body: bool,
    /// How many `Authorization` headers it sends.
    pub(crate) authorizations: usize,
    /// How many `business` headers with a value it sends.
    pub(crate) businesses: usize,
    /// Whether the query holds a token.
    pub(crate) has_token_in_url: bool,
}

impl Call {
    /// Reads a line; what it does not know is left out.
    pub(crate) fn parse(line: &str) -> Self {
        let mut call = Self::default();
        let mut words = words(line).into_iter().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "-H" | "--header" => call.read_header(&words.next().unwrap_or_default()),
                "-u" | "--user" | "--oauth2-bearer" => {
                    words.next();
                    call.authorizations += 1;
                }
                "-X" | "--request" => call.method = words.next().filter(|method| is_word(method)),
                "-d" | "--data" | "--data-raw" | "--data-binary" | "--json" => {
                    words.next();
                    call.has_body = true;
                }
                other if other.starts_with("http://") || other.starts_with("https://") => {
                    call.read_url(other)
                }
                _ => {}
            }
        }
        call
    }

    fn read_header(&mut self, header: &str) {
        let (name, value) = header.split_once(':').unwrap_or((header, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "authorization" => self.authorizations += 1,
            "business" if !value.trim().is_empty() => self.businesses += 1,
            _ => {}
        }
    }

    /// Keeps scheme, host and path: users and queries may hold secrets.
    fn read_url(&mut self, url: &str) {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        self.has_token_in_url = query.contains("access_token=");
        let (scheme, rest) = place.split_once("://").unwrap_or(("https", place));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.rsplit('@').next().unwrap_or_default();
        self.url = gatepost_keys::mask(&format!("{scheme}://{host}/{path}")).into_owned();
    }

    /// The line as it should be, with a variable in place of the token.
    pub(crate) fn corrected(&self, workspace: &str) -> String {
        let method = self.method.as_ref().map(|method| format!("-X {method} ")).unwrap_or_default();
        let url = self.url.replace('\'', "");
        let body = if self.has_body { " \\\n  -d @body.json" } else { "" };
        format!(
            "curl {method}'{url}' \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  -H \"business: {workspace}\"{body}"
        )
    }
}

fn is_word(method: &str) -> bool {
    method.len() <= 10 && method.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The words of a line as a shell parts them: quotes hold them together, a backslash takes the next letter as it is.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => match letters.next() {
                Some('\n' | '\r') | None => {}
                Some(next) => word.get_or_insert_default().push(next),
            },
            (letter, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, None) if letter.is_whitespace() => words.extend(word.take()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_without_its_secrets() {
        let line = "curl -X POST https://me:gps_secret@api.example.com/v1.11/tasks?access_token=gpt_x \\\n -H \"Authorization: Bearer gpt_secret\" -d '{\"a\": \"gps_b\"}' -H 'business: '";
        let call = Call::parse(line);
        assert_eq!((call.authorizations, call.businesses, call.has_token_in_url), (1, 0, true));
        let corrected = call.corrected("shop");
        assert!(corrected.starts_with("curl -X POST 'https://api.example.com/v1.11/tasks'"), "{corrected}");
        assert!(corrected.contains("business: shop") && corrected.contains("-d @body.json"));
        assert!(!corrected.contains("secret") && !corrected.contains("gp"), "{corrected}");
    }

    #[test]
    fn odd_lines_are_read_as_far_as_they_go() {
        for line in ["curl", "curl -H", "curl 'open", "curl \\", "curl -X 'a b;rm' -u a:b -H business:x"] {
            let _ = Call::parse(line).corrected("shop");
        }
        assert_eq!(Call::parse("curl -X 'a b' -u a:b").method, None);
    }
}
