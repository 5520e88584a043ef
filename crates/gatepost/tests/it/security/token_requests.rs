//! The token endpoint: how it may be asked, and the form of its answers (T1 to T7, T14 to T19, T22, T23).

use gatepost_testkit::{App, make};
use serde_json::{Value, json};

use super::{credentials, form, post, refused};
use crate::support::{SCHOOL, list_tasks, text};

#[tokio::test]
async fn t01_other_methods_than_post_are_not_allowed() {
    let app = App::start().await;
    for path in ["/oauth/token", "/v1.11/oauth/token"] {
        for method in ["GET", "PUT", "HEAD", "DELETE", "PATCH"] {
            let answer = app.http.send(method, path, &[], "").await.expect(405);
            assert_eq!(answer.header("allow"), "POST", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn t02_credentials_are_read_from_a_form_only() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.secret,
    });
    for kind in ["application/json", "text/plain", "multipart/form-data", ""] {
        let headers = [("content-type", kind)];
        for body in [body.to_string(), form(&client)] {
            refused(app.http.send("POST", "/oauth/token", &headers, body).await, 400, "invalid_request");
        }
    }
    refused(app.http.send("POST", "/oauth/token", &[], form(&client)).await, 400, "invalid_request");
    // JSON under the form's content type is a form without the parameters that are needed.
    refused(post(&app, "/oauth/token", &[], &body.to_string()).await, 400, "invalid_request");
}

#[tokio::test]
async fn t03_a_repeated_parameter_is_refused() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let good = form(&client);
    let _ = post(&app, "/oauth/token", &[], &good).await.expect(200);
    let again = ["grant_type=client_credentials", "scope=api&scope=api", "client_secret="];
    let id = format!("client_id={}", client.client_id);
    for again in again.into_iter().chain([id.as_str()]) {
        refused(post(&app, "/oauth/token", &[], &format!("{good}&{again}")).await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn t04_an_empty_parameter_counts_as_absent() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let _ = post(&app, "/oauth/token", &[], &format!("{}&scope=", form(&client))).await.expect(200);
    let empty = format!("grant_type=&{}", credentials(&client));
    let refused_form = refused(post(&app, "/oauth/token", &[], &empty).await, 400, "invalid_request");
    assert!(text(&refused_form.json(), "message").contains("grant_type"));
    let no_secret = format!("grant_type=client_credentials&client_id={}&client_secret=", client.client_id);
    refused(post(&app, "/oauth/token", &[], &no_secret).await, 401, "invalid_client");
}

#[tokio::test]
async fn t05_unknown_parameters_are_ignored() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let more = "audience=x&audience=y&%00=z&redirect_uri=https%3A%2F%2Fexample.com";
    let _ = post(&app, "/oauth/token", &[], &format!("{}&{more}", form(&client))).await.expect(200);
}

#[tokio::test]
async fn t06_without_a_grant_type_the_request_is_invalid() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let answer = post(&app, "/oauth/token", &[], &credentials(&client)).await;
    let answer = refused(answer, 400, "invalid_request").json();
    assert_eq!(answer["message"], "Missing parameter: `grant_type`");
}

#[tokio::test]
async fn t07_other_grants_are_not_supported() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let grants = [
        "password&username=a&password=b",
        "authorization_code&code=x",
        "refresh_token&refresh_token=x",
        "implicit",
        "CLIENT_CREDENTIALS",
        "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=x",
    ];
    for grant in grants {
        let form = format!("grant_type={grant}&{}", credentials(&client));
        refused(post(&app, "/oauth/token", &[], &form).await, 400, "unsupported_grant_type");
    }
}

#[tokio::test]
async fn t14_credentials_in_the_address_are_refused() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let (form, credentials) = (form(&client), credentials(&client));
    for (query, body) in [(&form, ""), (&credentials, "grant_type=client_credentials"), (&form, &*form)] {
        let path = format!("/oauth/token?{query}");
        let answer = refused(post(&app, &path, &[], body).await, 400, "invalid_request");
        assert!(!answer.text().contains(&client.secret));
    }
}

#[tokio::test]
async fn t15_a_scope_that_no_client_has_is_invalid() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    for scope in ["invoices%3Aread", "api+admin", "API", "a%22b", "%0A", "%C3%BC", "a%5Cb"] {
        let form = format!("{}&scope={scope}", form(&client));
        refused(post(&app, "/oauth/token", &[], &form).await, 400, "invalid_scope");
    }
}

#[tokio::test]
async fn t16_the_scope_is_stated_whether_it_was_asked_for_or_not() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    for form in [form(&client), format!("{}&scope=api", form(&client))] {
        let answer = post(&app, "/oauth/token", &[], &form).await.expect(200).json();
        assert_eq!(answer["scope"], "api");
    }
}

#[tokio::test]
async fn t17_a_token_is_answered_as_the_standard_says() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let answer = post(&app, "/oauth/token", &[], &form(&client)).await.expect(200);
    assert_eq!(answer.header("content-type").to_lowercase(), "application/json;charset=utf-8");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    let body = answer.json();
    assert!(text(&body, "access_token").starts_with("gpt_"));
    assert_eq!(body["token_type"], "Bearer");
    assert!(body["expires_in"].is_u64());
    assert_eq!(body["expires_in"], 259_200);
    assert_eq!(body["refresh_token"], Value::Null);
}

#[tokio::test]
async fn t18_errors_have_the_same_headers_and_a_clean_description() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let forms = [
        String::new(),
        form(&client).replace("client_credentials", "password"),
        format!("{}x", form(&client)),
        format!("{}&scope=%22%5C", form(&client)),
        format!("{}&client_id=\"\\", form(&client)),
    ];
    for form in forms {
        let answer = post(&app, "/oauth/token", &[], &form).await;
        assert!((400..500).contains(&answer.status));
        assert_eq!(answer.header("content-type").to_lowercase(), "application/json;charset=utf-8");
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        let body = answer.json();
        let description = text(&body, "error_description");
        let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(!description.is_empty() && description.bytes().all(allowed), "{description}");
        assert_eq!(body["statusCode"], answer.status);
    }
}

#[tokio::test]
async fn t19_no_page_of_another_origin_may_ask_for_tokens() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let origin = [("origin", "https://page.example")];
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
        let answers = [
            post(&app, path, &origin, &form(&client)).await,
            post(&app, path, &origin, "").await,
            app.http.send("OPTIONS", path, &[origin[0], ("access-control-request-method", "POST")], "").await,
        ];
        for answer in answers {
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        }
    }
}

/// Resource indicators are not supported: the parameter is one of those that are ignored, as before it was invented.
#[tokio::test]
async fn t22_a_resource_parameter_is_ignored() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let form = format!("{}&resource=https%3A%2F%2Felsewhere.example", form(&client));
    let token = text(&post(&app, "/oauth/token", &[], &form).await.expect(200).json(), "access_token");
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
}

#[tokio::test]
async fn t23_the_other_dialect_stands_in_the_same_answer() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    for path in ["/oauth/token", "/v1/oauth/token", "/v1.11/oauth/token/"] {
        let body = post(&app, path, &[], &form(&client)).await.expect(200).json();
        assert_eq!(body["accessToken"], body["access_token"]);
        assert_eq!(body["tokenType"], "Bearer");
        assert!(text(&body, "accessTokenExpiresAt").ends_with('Z'));
        assert_eq!(body["client"]["id"], client.id);
        assert_eq!(body["client"]["businesses"], json!([SCHOOL]));
    }
    let body = post(&app, "/oauth/token", &[], "").await.expect(400).json();
    assert_eq!((&body["statusCode"], &body["code"]), (&json!(400), &json!(400)));
    assert_eq!(body["name"], "invalid_request");
}
