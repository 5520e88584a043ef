//! Every call of the admin API, in one table: what it needs of an admin token, what it takes and answers, and its handler.
//! The routers, the description ([`super::openapi`]) and the tests of privileges are made from it.

use std::sync::Arc;

use axum::routing::{MethodRouter, delete, get, patch, post, put};
use gatepost_core::Gatepost;
use gatepost_core::admin_tokens::Scope;
use http::Method as Verb;

use super::access::Needs;
use super::objects::{self, DELIVERY_STATE, REPLAYED, ROLE};
use super::shape::Kind::{Boolean, Duration, Integer, ListOf, Of, OneOf, Text, Texts, Time};
use super::shape::{Field, Kind, field};
use super::{
    admin_tokens, audit, clients, counted, deliveries, invitations, notices, people, reconciliation, replays,
    requests, secrets, system, tokens, webhook_urls, workspaces,
};

/// One call.
pub(super) struct Call {
    pub(super) verb: Verb,
    /// After `/admin/v1`.
    pub(super) path: &'static str,
    pub(super) needs: Needs,
    pub(super) handler: MethodRouter<Arc<Gatepost>>,
    /// What it does, in a line.
    pub(super) about: &'static str,
    pub(super) query: Vec<Field>,
    pub(super) body: Vec<Field>,
    /// Whether it takes `If-Match`.
    pub(super) is_guarded: bool,
    /// The status of what succeeds.
    pub(super) status: u16,
    pub(super) answer: Kind,
}

impl Call {
    fn query(self, query: Vec<Field>) -> Self {
        Self { query, ..self }
    }

    fn body(self, body: Vec<Field>) -> Self {
        Self { body, ..self }
    }

    fn guarded(self) -> Self {
        Self { is_guarded: true, ..self }
    }

    fn answers(self, answer: Kind) -> Self {
        Self { answer, ..self }
    }

    /// It makes something.
    fn makes(self, answer: Kind) -> Self {
        Self { answer, status: 201, ..self }
    }
}

fn call(
    verb: Verb,
    path: &'static str,
    needs: Needs,
    handler: MethodRouter<Arc<Gatepost>>,
    about: &'static str,
) -> Call {
    let (query, body) = (Vec::new(), Vec::new());
    Call { verb, path, needs, handler, about, query, body, is_guarded: false, status: 200, answer: Kind::Any }
}

const CLIENT: Kind = Of(&objects::CLIENT);
const REVISION: Field = field("revision", Integer, "The revision that the change is made for.").optional();
const LIMIT: Field = field("limit", Integer, "Entries at most: 100 if left out, up to 1,000.").optional();
const BEFORE: Field =
    field("before", Text, "Only those before this one: the last id of the page before.").optional();
const SINCE: Field = field("since", Time, "Only from then on.").optional();

/// Every call.
pub(super) fn calls() -> Vec<Call> {
    let subjects = [
        of_workspaces(),
        of_clients(),
        of_secrets(),
        of_webhook_urls(),
        of_deliveries(),
        of_replays(),
        of_requests_and_audit(),
        of_people(),
        of_admin_tokens(),
        of_the_deployment(),
    ];
    subjects.into_iter().flatten().collect()
}

fn of_workspaces() -> Vec<Call> {
    let look = Needs::Scope(Scope::ClientsRead);
    let rename = Needs::Scope(Scope::WorkspacesWrite);
    let workspace = Of(&objects::WORKSPACE);
    let one = "/workspaces/{subdomain}";
    let (at_notices, told) = ("/workspaces/{subdomain}/notices", Of(&objects::NOTICE_URL));
    vec![
        call(
            Verb::GET,
            "/workspaces",
            look,
            get(workspaces::list),
            "Workspaces that the token reaches, by subdomain.",
        )
        .answers(ListOf(&objects::WORKSPACE)),
        call(Verb::POST, "/workspaces", Needs::Operator, post(workspaces::create), "Make a workspace.")
            .body(vec![
                field("subdomain", Text, "1 to 63 of a-z, 0-9 and -."),
                field("name", Text, "The subdomain if left out.").optional(),
            ])
            .makes(workspace),
        call(Verb::GET, one, look, get(workspaces::show), "One workspace.").answers(workspace),
        call(Verb::PATCH, one, rename, patch(workspaces::rename), "Rename a workspace. Its owners may.")
            .body(vec![field("name", Text, "")])
            .guarded()
            .answers(workspace),
        call(Verb::GET, at_notices, look, get(notices::show), "Where its notices go; 404 if nowhere.")
            .answers(told),
        call(
            Verb::PUT,
            at_notices,
            rename,
            put(notices::set),
            "Set where its notices go. Answers a new key.",
        )
        .body(vec![field("url", Text, "")])
        .answers(told),
        call(Verb::DELETE, at_notices, rename, delete(notices::remove), "Have its notices go nowhere.")
            .answers(Of(&objects::NO_NOTICES)),
    ]
}

const NEW_CLIENT: &[Field] = &[
    field("name", Text, ""),
    field("workspaces", Texts, "Subdomains.").optional(),
    field("webhookUrls", Texts, "").optional(),
    field("methods", Texts, "`task.create`, `task.*`, `*`.").optional(),
    field("apiVersion", Text, "").optional(),
    field("secretPolicy", OneOf(&["revealable", "once"]), "").optional(),
    field("tokenLifetime", Duration, "1 minute to 72 hours.").optional(),
    field("rateLimit", Integer, "Requests an hour; null for the deployment's.").optional().nullable(),
    field("allowIps", Texts, "").optional(),
];

const CHANGED_CLIENT: &[Field] = &[
    REVISION,
    field("name", Text, "").optional(),
    field("apiVersion", Text, "").optional(),
    field("tokenLifetime", Duration, "").optional(),
    field("rateLimit", Integer, "").optional().nullable(),
    field("allowIps", Texts, "").optional(),
    field("payload", OneOf(&["record", "envelope"]), "").optional(),
    field("secretPolicy", OneOf(&["revealable", "once"]), "").optional(),
    field("workspaces", Texts, "").optional(),
    field("addWorkspaces", Texts, "").optional(),
    field("removeWorkspaces", Texts, "").optional(),
    field("webhookUrls", Texts, "").optional(),
    field("addWebhookUrls", Texts, "").optional(),
    field("removeWebhookUrls", Texts, "Addresses or ids.").optional(),
    field("methods", Texts, "").optional(),
    field("addMethods", Texts, "").optional(),
    field("removeMethods", Texts, "").optional(),
];

const LISTED_CLIENTS: &[Field] = &[
    field("q", Text, "Part of a name, a client id or a webhook URL, or an id.").optional(),
    field("workspace", Text, "Enabled for the one with this subdomain.").optional(),
    field("version", Text, "Of this version of the API.").optional(),
    field("status", OneOf(clients::GROUP_NAMES), "").optional(),
    field("sort", OneOf(clients::ORDER_NAMES), "`created` if left out.").optional(),
    field("reversed", Boolean, "The other way round.").optional(),
    field("after", Text, "Only those after this one: the last id of the page before.").optional(),
    LIMIT,
];

fn of_clients() -> Vec<Call> {
    let look = Needs::Scope(Scope::ClientsRead);
    let change = Needs::Scope(Scope::ClientsWrite);
    let one = "/clients/{id}";
    vec![
        call(Verb::GET, "/clients", look, get(clients::list), "API clients, searched, filtered and sorted.")
            .query(LISTED_CLIENTS.to_vec())
            .answers(ListOf(&objects::CLIENT)),
        call(Verb::POST, "/clients", change, post(clients::create), "Make a client. Answers its secrets.")
            .body(NEW_CLIENT.to_vec())
            .makes(CLIENT),
        call(Verb::GET, one, look, get(clients::show), "One client, by id or client id.").answers(CLIENT),
        call(Verb::PATCH, one, change, patch(clients::update), "Change a client; what is not named stays.")
            .body(CHANGED_CLIENT.to_vec())
            .guarded()
            .answers(CLIENT),
        call(Verb::DELETE, one, change, delete(clients::remove), "Delete a client. Its tokens are dead.")
            .answers(Of(&objects::DELETED)),
        call(Verb::POST, "/clients/{id}/disable", change, post(clients::disable), "Stop a client for now.")
            .answers(CLIENT),
        call(
            Verb::POST,
            "/clients/{id}/enable",
            change,
            post(clients::enable),
            "Let a disabled client act again.",
        )
        .answers(CLIENT),
        call(Verb::POST, "/clients/{id}/revoke", change, post(clients::revoke), "Cut a client off for good.")
            .answers(CLIENT),
        call(
            Verb::GET,
            "/clients/{id}/calls",
            look,
            get(counted::show),
            "A client's calls as they were counted.",
        )
        .query(vec![field("since", Time, "From when on; 7 days if left out.").optional()])
        .answers(Of(&objects::CALLS)),
    ]
}

fn of_secrets() -> Vec<Call> {
    let change = Needs::Scope(Scope::ClientsWrite);
    let reveal = Needs::Scope(Scope::SecretsReveal);
    let kill = "/clients/{id}/secrets/{number}/kill";
    vec![
        call(
            Verb::POST,
            "/clients/{id}/reveal",
            reveal,
            post(secrets::reveal),
            "Show a client's secrets once more.",
        )
        .answers(Of(&objects::REVEALED)),
        call(Verb::POST, "/clients/{id}/rotate", change, post(secrets::rotate), "Make a new secret.")
            .body(vec![
                field("overlap", Duration, "How long the present ones stay good: a day if left out.")
                    .optional(),
            ])
            .answers(CLIENT),
        call(Verb::POST, kill, change, post(secrets::kill), "Cut one secret off, with its tokens.")
            .answers(CLIENT),
        call(
            Verb::POST,
            "/clients/{id}/token",
            reveal,
            post(tokens::issue),
            "Issue an access token of the client.",
        )
        .answers(Of(&objects::ISSUED)),
    ]
}

fn held_back() -> Vec<Field> {
    let choices = OneOf(&["all", "newest", "nothing"]);
    vec![field("deliveries", choices, "Which of those held back are sent."), REVISION]
}

fn of_webhook_urls() -> Vec<Call> {
    let look = Needs::Scope(Scope::ClientsRead);
    let change = Needs::Scope(Scope::ClientsWrite);
    let reveal = Needs::Scope(Scope::SecretsReveal);
    let at = |path, needs, handler, about| call(Verb::POST, path, needs, handler, about).answers(CLIENT);
    vec![
        call(
            Verb::GET,
            "/clients/{id}/webhook-urls/{url}",
            look,
            get(webhook_urls::show),
            "One webhook URL, and what waits for it.",
        )
        .answers(Of(&objects::URL_STATUS)),
        call(
            Verb::PATCH,
            "/clients/{id}/webhook-urls/{url}",
            change,
            patch(webhook_urls::update),
            "Give it another address, or change its headers.",
        )
        .body(vec![
            field("url", Text, "").optional(),
            field("headers", Kind::Any, "A value for each header to be set; null takes one away.").optional(),
            REVISION,
        ])
        .guarded()
        .answers(CLIENT),
        at(
            "/clients/{id}/webhook-urls/{url}/test",
            change,
            post(webhook_urls::test),
            "Send a sample and wait for the answer.",
        )
        .answers(Of(&objects::TEST_ANSWER)),
        at(
            "/clients/{id}/webhook-urls/{url}/pause",
            change,
            post(webhook_urls::pause),
            "Hold deliveries back.",
        )
        .body(vec![REVISION])
        .guarded(),
        at(
            "/clients/{id}/webhook-urls/{url}/resume",
            change,
            post(webhook_urls::resume),
            "Send to it again.",
        )
        .body(held_back())
        .guarded()
        .answers(Of(&objects::RESUMED)),
        at(
            "/clients/{id}/webhook-urls/{url}/enable",
            change,
            post(webhook_urls::enable),
            "Send again to one that was disabled.",
        )
        .body(held_back())
        .guarded()
        .answers(Of(&objects::RESUMED)),
        at(
            "/clients/{id}/webhook-urls/{url}/move",
            change,
            post(webhook_urls::change_address),
            "Give it another address.",
        )
        .body(vec![field("url", Text, ""), REVISION])
        .guarded(),
        at(
            "/clients/{id}/webhook-urls/{url}/signing-key/rotate",
            change,
            post(webhook_urls::rotate_key),
            "Make a new signing key. Answers it, if it is shared.",
        )
        .body(vec![
            field("signing", OneOf(&["hmac", "ed25519"]), "The kind of the newest one if left out.")
                .optional(),
            field("overlap", Duration, "How long the old key signs beside it: a day if left out, 7 at most.")
                .optional(),
            REVISION,
        ])
        .guarded(),
        at(
            "/clients/{id}/webhook-urls/{url}/signing-key/end-old",
            change,
            post(webhook_urls::end_old_keys),
            "End every signing key but the newest.",
        )
        .body(vec![REVISION])
        .guarded(),
        at(
            "/clients/{id}/webhook-urls/{url}/signing-key/reveal",
            reveal,
            post(webhook_urls::reveal_key),
            "Show its newest signing key.",
        )
        .answers(Of(&objects::SIGNING_SECRET)),
    ]
}

fn of_deliveries() -> Vec<Call> {
    let watch = Needs::Scope(Scope::DeliveriesRead);
    let change = Needs::Scope(Scope::DeliveriesWrite);
    let delivery = Of(&objects::DELIVERY);
    vec![
        call(Verb::GET, "/deliveries", watch, get(deliveries::list), "Deliveries, newest first.")
            .query(vec![
                field("client", Text, "Of this client: its id or client id.").optional(),
                field("state", DELIVERY_STATE, "").optional(),
                field("method", Text, "Of this method.").optional(),
                field("url", Text, "To the webhook URL with this id.").optional(),
                field("replay", Text, "Made by this replay.").optional(),
                SINCE,
                field("until", Time, "Only before then.").optional(),
                BEFORE,
                LIMIT,
            ])
            .answers(ListOf(&objects::DELIVERY)),
        call(Verb::GET, "/deliveries/{id}", watch, get(deliveries::show), "A delivery with every attempt.")
            .answers(delivery),
        call(
            Verb::POST,
            "/deliveries/{id}/replay",
            change,
            post(deliveries::replay),
            "Send its event once more, as a new delivery.",
        )
        .makes(delivery),
        call(
            Verb::POST,
            "/deliveries/{id}/send-now",
            change,
            post(deliveries::send_now),
            "Try a pending one at once.",
        )
        .answers(delivery),
        call(
            Verb::POST,
            "/deliveries/{id}/cancel",
            change,
            post(deliveries::cancel),
            "Call a pending one off.",
        )
        .answers(delivery),
    ]
}

fn of_replays() -> Vec<Call> {
    let watch = Needs::Scope(Scope::DeliveriesRead);
    let change = Needs::Scope(Scope::DeliveriesWrite);
    let replay = Of(&objects::REPLAY);
    vec![
        call(
            Verb::POST,
            "/clients/{id}/replays",
            change,
            post(replays::start),
            "Send once more what a webhook URL did not get.",
        )
        .body(vec![
            field("since", Time, "Deliveries made from then on."),
            field("until", Time, "Deliveries made before then; now if left out.").optional(),
            field("url", Text, "The webhook URL or its id, unless the client has one only.").optional(),
            field("method", Text, "Of this method only.").optional(),
            field(
                "states",
                REPLAYED,
                "`failed` if left out; `undelivered` means skipped and cancelled ones, too.",
            )
            .optional(),
        ])
        .makes(replay),
        call(Verb::GET, "/replays", watch, get(replays::list), "Replays, newest first.")
            .query(vec![
                field("client", Text, "Of this client: its id or client id.").optional(),
                BEFORE,
                LIMIT,
            ])
            .answers(ListOf(&objects::REPLAY)),
        call(Verb::GET, "/replays/{id}", watch, get(replays::show), "How far a replay is.").answers(replay),
        call(
            Verb::POST,
            "/replays/{id}/pause",
            change,
            post(replays::pause),
            "Make nothing more until it is resumed.",
        )
        .answers(replay),
        call(
            Verb::POST,
            "/replays/{id}/resume",
            change,
            post(replays::resume),
            "Go on where a paused one stopped.",
        )
        .answers(replay),
        call(
            Verb::POST,
            "/replays/{id}/cancel",
            change,
            post(replays::cancel),
            "Call it off; what it made stays.",
        )
        .answers(replay),
    ]
}

fn of_requests_and_audit() -> Vec<Call> {
    let watch = Needs::Scope(Scope::DeliveriesRead);
    let audited = Needs::Scope(Scope::AuditRead);
    vec![
        call(Verb::GET, "/requests", watch, get(requests::list), "Refused requests, newest first.")
            .query(vec![
                field("client", Text, "Of this client: its id or client id.").optional(),
                field("check", Text, "That this check of the gate refused.").optional(),
                field("workspace", Text, "That named this workspace.").optional(),
                SINCE,
                BEFORE,
                LIMIT,
            ])
            .answers(ListOf(&objects::REQUEST)),
        call(
            Verb::GET,
            "/requests/{id}",
            watch,
            get(requests::show),
            "Why a request was refused, and what to change.",
        )
        .answers(Of(&objects::REQUEST)),
        call(Verb::GET, "/audit", audited, get(audit::list), "The audit trail, newest first.")
            .query(vec![
                field("subject", Text, "About this: an id, or a client id.").optional(),
                field("person", Text, "By the person with this id, themself or by a token.").optional(),
                field("kind", OneOf(audit::KIND_NAMES), "").optional(),
                SINCE,
                field("until", Time, "Only before then.").optional(),
                BEFORE,
                LIMIT,
            ])
            .answers(ListOf(&objects::ENTRY)),
    ]
}

fn of_people() -> Vec<Call> {
    let look = Needs::Scope(Scope::PeopleRead);
    let change = Needs::Scope(Scope::PeopleWrite);
    let membership = "/people/{id}/memberships/{subdomain}";
    let ended = Of(&objects::ENDED_SESSIONS);
    vec![
        call(
            Verb::GET,
            "/people",
            look,
            get(people::list),
            "Everyone in the workspaces that the token reaches, by email.",
        )
        .answers(ListOf(&objects::PERSON)),
        call(Verb::GET, "/people/{id}", look, get(people::show), "One of them.")
            .answers(Of(&objects::PERSON)),
        call(Verb::PUT, membership, change, put(people::change_role), "Give a member another role.")
            .body(vec![field("role", ROLE, "")])
            .guarded()
            .answers(Of(&objects::CHANGED_MEMBERSHIP)),
        call(Verb::DELETE, membership, change, delete(people::remove), "Take somebody out of a workspace.")
            .guarded()
            .answers(Of(&objects::REMOVED)),
        call(
            Verb::POST,
            "/people/{id}/password-link",
            change,
            post(people::make_password_link),
            "Make a link for a new password. Who owns all that the person belongs to may.",
        )
        .answers(Of(&objects::PASSWORD_LINK)),
        call(
            Verb::GET,
            "/people/{id}/sessions",
            look,
            get(people::list_sessions),
            "Where somebody is signed in.",
        )
        .answers(ListOf(&objects::SESSION)),
        call(
            Verb::POST,
            "/people/{id}/sessions/end",
            change,
            post(people::end_sessions),
            "Sign somebody out everywhere.",
        )
        .answers(ended),
        call(
            Verb::POST,
            "/people/{id}/sessions/{session}/end",
            change,
            post(people::end_session),
            "End one session.",
        )
        .answers(ended),
        call(Verb::GET, "/invitations", look, get(invitations::list), "Invitations that wait, newest first.")
            .answers(ListOf(&objects::INVITATION)),
        call(
            Verb::POST,
            "/invitations",
            change,
            post(invitations::create),
            "Invite somebody. Answers the link.",
        )
        .body(vec![
            field("email", Text, ""),
            field("role", ROLE, ""),
            field("workspaces", Texts, "Subdomains."),
        ])
        .makes(Of(&objects::INVITATION)),
        call(
            Verb::POST,
            "/invitations/{id}/withdraw",
            change,
            post(invitations::withdraw),
            "Take an invitation back.",
        )
        .answers(Of(&objects::WITHDRAWN)),
    ]
}

fn of_admin_tokens() -> Vec<Call> {
    let hold = Needs::Scope(Scope::TokensWrite);
    let token = Of(&objects::ADMIN_TOKEN);
    vec![
        call(
            Verb::GET,
            "/admin-tokens",
            hold,
            get(admin_tokens::list),
            "The maker's tokens, newest first, and those of others into workspaces that the maker owns.",
        )
        .answers(ListOf(&objects::ADMIN_TOKEN)),
        call(
            Verb::POST,
            "/admin-tokens",
            Needs::Operator,
            post(admin_tokens::create),
            "Make a token. Answers it.",
        )
        .body(vec![
            field("user", Text, "The id or email of whose rights it has."),
            field("name", Text, ""),
            field("scopes", Texts, ""),
            field("workspaces", Texts, "Subdomains."),
            field("lifetime", Duration, "90 days if left out, 365 at most.").optional(),
        ])
        .makes(token),
        call(Verb::POST, "/admin-tokens/{id}/end", hold, post(admin_tokens::end), "Cut a token off.")
            .answers(token),
    ]
}

fn of_the_deployment() -> Vec<Call> {
    let operator = Needs::Operator;
    vec![
        call(
            Verb::GET,
            "/methods",
            Needs::Token,
            get(system::methods),
            "Every method that a client can be sent.",
        )
        .answers(Texts),
        call(
            Verb::GET,
            "/status",
            operator,
            get(system::status),
            "The release, and where the database stands.",
        )
        .answers(Of(&objects::STATUS)),
        call(
            Verb::GET,
            "/reconciliation",
            operator,
            get(reconciliation::show),
            "How many events happened, and what became of them: the numbers add up.",
        )
        .query(vec![field("since", Time, "From when on; a day if left out.").optional()])
        .answers(Of(&objects::RECONCILIATION)),
        call(Verb::POST, "/migrate", operator, post(system::migrate), "Bring the tables up to date.")
            .answers(Of(&objects::MIGRATED)),
        call(Verb::POST, "/backup", operator, post(system::backup), "Copy the database to a new file.")
            .body(vec![field("path", Text, "Absolute, on the server.")])
            .makes(Of(&objects::BACKUP)),
    ]
}
