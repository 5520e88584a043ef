//! Which failure wins, what the caller is told, and that the trace and the verdict are one.

use std::collections::BTreeSet;
use std::time::Duration;

use gatepost_model::client::{RevokedToken, SecretPolicy};
use gatepost_model::network::Networks;
use gatepost_model::secret::Verifier;
use gatepost_model::webhook::PayloadShape;
use gatepost_model::{ClientNumber, Secret, WorkspaceNumber};
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const HOURS_72: Duration = Duration::from_secs(259_200);

fn workspace(number: i64, subdomain: &str) -> Workspace {
    Workspace {
        id: format!("wsp_{number}"),
        number: WorkspaceNumber(number),
        subdomain: subdomain.parse().unwrap(),
        name: subdomain.to_owned(),
        created_at: Timestamp::EPOCH,
    }
}

fn client() -> ApiClient {
    ApiClient {
        id: "cli_1".into(),
        number: ClientNumber(1),
        name: "CRM".into(),
        client_id: "gpc_1".into(),
        status: ClientStatus::Active,
        api_version: ApiVersion::V1_9,
        secret_policy: SecretPolicy::Revealable,
        payload: PayloadShape::Record,
        token_lifetime: HOURS_72,
        rate_limit: None,
        allow_list: Networks::default(),
        not_before: Timestamp::EPOCH,
        revision: 1,
        workspaces: vec![workspace(1, "shop"), workspace(2, "the-ceramic-school")],
        webhook_urls: Vec::new(),
        methods: BTreeSet::new(),
        secrets: vec![Secret {
            number: 1,
            hint: "abcd".into(),
            verifier: Verifier(vec![1]),
            sealed: None,
            created_by: "cli".into(),
            created_at: Timestamp::EPOCH,
            expires_at: None,
            killed_at: None,
            last_used: None,
        }],
        revoked_tokens: Vec::new(),
        created_by: "cli".into(),
        created_at: Timestamp::EPOCH,
        last_used: None,
    }
}

fn claims(issued_at: Timestamp) -> Claims {
    Claims { client: ClientNumber(1), secret: 1, issued_at, lifetime: HOURS_72, id: [7; 24] }
}

fn request() -> Request<'static> {
    Request {
        credential: Credential::Token("gpt_x"),
        claims: Ok(claims(NOW)),
        business: Business::Named("shop"),
        address: IpAddr::from([203, 0, 113, 9]),
        version: Ok(None),
        route_exists: true,
    }
}

fn refusal(request: &Request<'_>, client: Option<&ApiClient>) -> Option<Reason> {
    decide(request, client, &mut Window::default(), 10, NOW).refusal()
}

#[test]
fn a_good_request_passes_every_check_in_the_clients_version() {
    let client = client();
    let verdict = decide(&request(), Some(&client), &mut Window::default(), 10, NOW);
    assert_eq!(verdict.refusal(), None);
    assert!(verdict.trace.iter().all(|(_, finding)| finding == Finding::Passed));
    assert_eq!(verdict.workspace.map(|workspace| workspace.subdomain.as_str()), Some("shop"));
    assert_eq!(verdict.version, ApiVersion::V1_9);
    assert_eq!(verdict.quota.map(|quota| quota.remaining), Some(9));
    let named = Request { version: Ok(Some(ApiVersion::V1_11)), ..request() };
    let verdict = decide(&named, Some(&client), &mut Window::default(), 10, NOW);
    assert_eq!(verdict.version, ApiVersion::V1_11, "the path wins");
}

/// Everything is wrong at first; each step mends what was found, and the next check in order must be the one that fails.
#[test]
fn the_first_failure_in_order_wins() {
    let mut client = client();
    client.status = ClientStatus::Disabled;
    client.allow_list = Networks::parse(&["198.51.100.0/24"]).unwrap();
    let mut wrong = Request {
        credential: Credential::Bad(Reason::SeveralAuthorizations),
        claims: Err(TokenError::Mac),
        business: Business::Named("elsewhere"),
        version: Err(()),
        route_exists: false,
        ..request()
    };
    let mut limit = 0;
    let check = |wrong: &Request<'_>, client: &ApiClient, limit: u32, expected: Reason, status: u16| {
        let verdict = decide(wrong, Some(client), &mut Window::default(), limit, NOW);
        assert_eq!(verdict.refusal(), Some(expected));
        assert_eq!(expected.status(), status);
    };
    check(&wrong, &client, limit, Reason::SeveralAuthorizations, 400);
    wrong.credential = Credential::Token("gpt_x");
    check(&wrong, &client, limit, Reason::ForgedToken, 401);
    wrong.claims = Ok(claims(NOW));
    check(&wrong, &client, limit, Reason::DisabledClient, 401);
    client.status = ClientStatus::Active;
    check(&wrong, &client, limit, Reason::ForeignAddress, 403);
    wrong.address = IpAddr::from([198, 51, 100, 7]);
    check(&wrong, &client, limit, Reason::ForeignWorkspace, 400);
    wrong.business = Business::Named("shop");
    check(&wrong, &client, limit, Reason::OverLimit, 429);
    limit = 1;
    check(&wrong, &client, limit, Reason::UnknownVersion, 403);
    wrong.version = Ok(None);
    check(&wrong, &client, limit, Reason::UnknownRoute, 403);
    wrong.route_exists = true;
    assert_eq!(decide(&wrong, Some(&client), &mut Window::default(), 1, NOW).refusal(), None);
}

#[test]
fn every_way_in_which_a_token_or_client_is_bad() {
    let good = client();
    let with = |change: &dyn Fn(&mut ApiClient)| {
        let mut client = good.clone();
        change(&mut client);
        refusal(&request(), Some(&client))
    };
    let token = |claims| refusal(&Request { claims, ..request() }, Some(&good));
    assert_eq!(
        refusal(&Request { credential: Credential::Missing, ..request() }, None),
        Some(Reason::NoToken)
    );
    assert_eq!(token(Err(TokenError::Shape)), Some(Reason::UnreadableToken));
    assert_eq!(refusal(&request(), None), Some(Reason::NoClient));
    assert_eq!(with(&|client| client.status = ClientStatus::Revoked), Some(Reason::RevokedClient));
    assert_eq!(with(&|client| client.not_before = Timestamp(NOW.0 + 1)), Some(Reason::TokenBeforeCut));
    assert_eq!(with(&|client| client.not_before = NOW), None);
    assert_eq!(with(&|client| client.secrets[0].killed_at = Some(NOW)), Some(Reason::KilledSecret));
    assert_eq!(with(&|client| client.secrets.clear()), Some(Reason::KilledSecret));
    let ended = |client: &mut ApiClient| client.secrets[0].expires_at = Some(Timestamp::EPOCH);
    assert_eq!(with(&ended), Some(Reason::EndedSecret));
    let ending = |client: &mut ApiClient| client.secrets[0].expires_at = Some(Timestamp(NOW.0 + 1));
    assert_eq!(with(&ending), None);
    let revoke = |client: &mut ApiClient| {
        client.revoked_tokens.push(RevokedToken { id: vec![7; 24], expires_at: NOW });
    };
    assert_eq!(with(&revoke), Some(Reason::RevokedToken));
}

#[test]
fn a15_the_end_of_a_token_is_exact_and_the_future_is_bounded() {
    let client = client();
    let at = |issued: Timestamp| refusal(&Request { claims: Ok(claims(issued)), ..request() }, Some(&client));
    let second = Duration::from_secs(1);
    assert_eq!(at(NOW.minus(HOURS_72).plus(second)), None);
    assert_eq!(at(NOW.minus(HOURS_72)), Some(Reason::ExpiredToken));
    assert_eq!(at(NOW.minus(HOURS_72).minus(second)), Some(Reason::ExpiredToken));
    assert_eq!(at(NOW.plus(Duration::from_secs(CLOCK_SKEW_SECONDS))), None);
    assert_eq!(at(NOW.plus(Duration::from_secs(CLOCK_SKEW_SECONDS + 1))), Some(Reason::TokenFromTheFuture));
}

#[test]
fn a7_unknown_and_not_enabled_workspaces_are_told_alike() {
    let client = client();
    for name in ["no-such-workspace", "SHOP", "shop ", "shop, the-ceramic-school", "ѕhop"] {
        let named = Request { business: Business::Named(name), ..request() };
        assert_eq!(refusal(&named, Some(&client)), Some(Reason::ForeignWorkspace), "{name}");
        let message = Reason::ForeignWorkspace.message(Business::Named(name));
        assert_eq!(message, format!("Business {name} is not enabled for this client."));
    }
    let missing = Request { business: Business::Missing, ..request() };
    assert_eq!(refusal(&missing, Some(&client)), Some(Reason::NoWorkspace));
    assert_eq!(
        Reason::NoWorkspace.message(Business::Missing),
        "Business undefined is not enabled for this client."
    );
}

#[test]
fn a9_without_a_token_real_and_made_up_workspaces_are_told_alike() {
    for name in ["shop", "no-such-workspace"] {
        let nobody =
            Request { credential: Credential::Missing, business: Business::Named(name), ..request() };
        assert_eq!(refusal(&nobody, None), Some(Reason::NoToken));
    }
}

#[test]
fn only_requests_that_reach_the_limit_are_counted() {
    let client = client();
    let mut window = Window::default();
    let wrong = Request { business: Business::Missing, ..request() };
    for _ in 0..5 {
        decide(&wrong, Some(&client), &mut window, 2, NOW);
    }
    assert_eq!(window, Window::default());
    for expected in [None, None, Some(Reason::OverLimit)] {
        assert_eq!(decide(&request(), Some(&client), &mut window, 2, NOW).refusal(), expected);
    }
}

#[test]
fn a3_callers_are_told_expired_from_invalid_and_nothing_else() {
    let invalid = [
        Reason::UnreadableToken,
        Reason::ForgedToken,
        Reason::RevokedToken,
        Reason::TokenBeforeCut,
        Reason::KilledSecret,
        Reason::EndedSecret,
        Reason::NoClient,
        Reason::DisabledClient,
        Reason::RevokedClient,
        Reason::TokenFromTheFuture,
    ];
    let told =
        |reason: Reason| (reason.status(), reason.name(), reason.message(Business::Missing), reason.help());
    for reason in invalid {
        assert_eq!(told(reason), told(Reason::ForgedToken), "{reason:?}");
    }
    assert_ne!(told(Reason::ExpiredToken), told(Reason::ForgedToken));
}

fn any_request() -> impl Strategy<Value = (Request<'static>, u8, u32)> {
    let credential = prop_oneof![
        Just(Credential::Missing),
        Just(Credential::Token("gpt_x")),
        Just(Credential::Bad(Reason::MalformedAuthorization)),
    ];
    let token = prop_oneof![
        Just(Err(TokenError::Mac)),
        (-300_000i64..100).prop_map(|seconds| Ok(claims(Timestamp(NOW.0 + seconds * 1_000_000)))),
    ];
    let business = prop_oneof![
        Just(Business::Missing),
        Just(Business::Several),
        Just(Business::Named("shop")),
        Just(Business::Named("elsewhere")),
    ];
    let version = prop_oneof![Just(Ok(None)), Just(Ok(Some(ApiVersion::V1))), Just(Err(()))];
    let address = any::<[u8; 4]>().prop_map(IpAddr::from);
    (credential, token, business, version, address, any::<bool>(), any::<u8>(), 0u32..3).prop_map(
        |(credential, claims, business, version, address, route_exists, state, limit)| {
            (Request { credential, claims, business, address, version, route_exists }, state, limit)
        },
    )
}

proptest! {
    /// The same request is decided the same way again, whoever asks; and a verdict is exactly its trace: everything before
    /// the failure passed, nothing after it was looked at.
    #[test]
    fn a_verdict_is_its_trace((request, state, limit) in any_request()) {
        let mut client = client();
        client.status = [ClientStatus::Active, ClientStatus::Disabled, ClientStatus::Revoked]
            [usize::from(state % 3)];
        if state & 4 == 4 {
            client.allow_list = Networks::parse(&["128.0.0.0/1"]).unwrap();
        }
        let client = (state & 8 == 0).then_some(&client);
        let first = decide(&request, client, &mut Window::default(), limit, NOW);
        let again = decide(&request, client, &mut Window::default(), limit, NOW);
        prop_assert_eq!(first.trace, again.trace);
        let findings: Vec<Finding> = first.trace.iter().map(|(_, finding)| finding).collect();
        let failed = findings.iter().position(|finding| matches!(finding, Finding::Failed(_)));
        let end = failed.unwrap_or(findings.len());
        prop_assert!(findings[..end].iter().all(|finding| *finding == Finding::Passed));
        prop_assert!(findings.iter().skip(end + 1).all(|finding| *finding == Finding::NotReached));
        prop_assert_eq!(first.refusal().is_some(), failed.is_some());
        if failed.is_none() {
            prop_assert!(first.workspace.is_some() && first.quota.is_some_and(|quota| quota.allowed));
        }
    }
}
