//! The objects that calls answer, in the words of `gatepost_core::view`, which writes them.

use super::shape::Kind::{Any, Boolean, Integer, ListOf, Number, Of, OneOf, Text, Texts, Time};
use super::shape::{Field, Kind, Object, field};

const fn object(name: &'static str, about: &'static str, fields: &'static [Field]) -> Object {
    Object { name, about, fields }
}

pub(super) const ROLE: Kind = OneOf(&["owner", "admin", "member"]);

const SECRET_STATE: Kind = OneOf(&["active", "expiring", "expired", "killed"]);

static STANDING: Object = object(
    "Standing",
    "How many deliveries stand where; the others together are those that were made.",
    &[
        field("made", Integer, ""),
        field("delivered", Integer, "Taken by their receiver."),
        field("failed", Integer, "Given up."),
        field("skipped", Integer, "No longer wanted when their turn came."),
        field("cancelled", Integer, "Called off by a person."),
        field("pending", Integer, "Yet to be sent."),
    ],
);

pub(super) static RECONCILIATION: Object = object(
    "Reconciliation",
    "What became of the events of a span of time.",
    &[
        field("since", Time, "From when on."),
        field("until", Time, "Until when."),
        field("events", Integer, "Events that happened: the matched and the unmatched."),
        field("matched", Integer, "Those that some webhook URL was subscribed to."),
        field("unmatched", Integer, "Those that none was."),
        field("deliveries", Of(&STANDING), "Made for the matched ones."),
        field("sentAgain", Of(&STANDING), "Made to send an event once more, whenever it happened."),
    ],
);

pub(super) static WORKSPACE: Object = object(
    "Workspace",
    "A workspace of the product.",
    &[
        field("id", Text, "`wsp_…`"),
        field("subdomain", Text, "Its name on the wire: what clients send as `business`."),
        field("name", Text, "What people call it."),
        field("createdAt", Time, ""),
    ],
);

static SECRET: Object = object(
    "Secret",
    "A client secret, by its hint.",
    &[
        field("number", Integer, "Within its client."),
        field("hint", Text, "Its last characters."),
        field("state", SECRET_STATE, ""),
        field("createdBy", Text, "As the audit trail names people."),
        field("createdAt", Time, ""),
        field("expiresAt", Time, "When it ends, if it does.").nullable(),
        field("lastUsedAt", Time, "").nullable(),
        field("lastUsedFrom", Text, "").nullable(),
    ],
);

static SIGNING_KEY: Object = object(
    "SigningKey",
    "A key that signs webhooks; the newest first.",
    &[
        field("scheme", OneOf(&["hmac", "ed25519"]), ""),
        field("publicKey", Text, "`whpk_…`, of a key of Ed25519.").nullable(),
        field("expiresAt", Time, "When it signs no more, if a newer one has replaced it.").nullable(),
    ],
);

static FAILING: Object = object(
    "FailingClock",
    "A webhook URL takes nothing.",
    &[
        field("since", Time, "The first failure since it last took something."),
        field("lastAt", Time, "The last one."),
        field("disablesAt", Time, "When it is disabled unless it takes something."),
    ],
);

static WEBHOOK_URL: Object = object(
    "WebhookUrl",
    "A webhook URL of a client.",
    &[
        field("id", Text, "`whu_…`"),
        field("url", Text, ""),
        field("state", OneOf(&["active", "paused", "disabled"]), ""),
        field("reason", Text, "Why it is not active.").nullable(),
        field("failing", Of(&FAILING), "If it takes nothing at the moment.").nullable(),
        field("signingKeys", ListOf(&SIGNING_KEY), ""),
        field("headers", Texts, "The names of those that are sent along. Their values are shown to nobody."),
        field("createdAt", Time, ""),
        field("signingSecret", Text, "Only in the answer of a call that made or revealed it.").optional(),
    ],
);

pub(super) static CLIENT: Object = object(
    "Client",
    "An API client. Its `ETag` is its revision.",
    &[
        field("id", Text, "`cli_…`"),
        field("name", Text, ""),
        field("clientId", Text, "`gpc_…`"),
        field("status", OneOf(&["active", "disabled", "revoked"]), ""),
        field("workspaces", Texts, "The subdomains of those that it is enabled for."),
        field("webhookUrls", ListOf(&WEBHOOK_URL), ""),
        field("methods", Texts, "The events that its webhook URLs get."),
        field("apiVersion", Text, ""),
        field("payload", OneOf(&["record", "envelope"]), "The body of its webhooks."),
        field("secretPolicy", OneOf(&["revealable", "once"]), ""),
        field("secrets", ListOf(&SECRET), ""),
        field("tokenLifetime", Integer, "In seconds."),
        field("rateLimit", Integer, "Requests an hour; null for the deployment's.").nullable(),
        field("allowIps", Texts, "Networks that it may call from; none for all."),
        field("revision", Integer, "Counts its changes; send it as `If-Match`."),
        field("createdBy", Text, "As the audit trail names people."),
        field("createdAt", Time, ""),
        field("lastUsedAt", Time, "").nullable(),
        field("lastUsedFrom", Text, "").nullable(),
        field("lastUsedWorkspace", Text, "").nullable(),
        field("clientSecret", Text, "Only in the answer of a call that made or revealed it.").optional(),
    ],
);

pub(super) static DELETED: Object = object(
    "DeletedClient",
    "A client that was.",
    &[
        field("id", Text, ""),
        field("clientId", Text, ""),
        field("name", Text, ""),
        field("deleted", Boolean, "true"),
    ],
);

static REVEALED_SECRET: Object = object(
    "RevealedSecret",
    "A secret in the clear.",
    &[field("number", Integer, ""), field("clientSecret", Text, "")],
);

pub(super) static REVEALED: Object = object(
    "RevealedClient",
    "A client's secrets and signing keys in the clear.",
    &[
        field("id", Text, ""),
        field("clientId", Text, ""),
        field("clientSecret", Text, "The newest of `secrets`."),
        field("secrets", ListOf(&REVEALED_SECRET), ""),
        field("webhookUrls", ListOf(&WEBHOOK_URL), "With `signingSecret`."),
    ],
);

static TALLY_OF_TIME: Object = object(
    "CallsOfTime",
    "Calls of an hour or a day (UTC).",
    &[field("at", Time, "Its beginning."), field("passed", Integer, ""), field("refused", Integer, "")],
);

static TALLY_OF_WORKSPACE: Object = object(
    "CallsOfWorkspace",
    "Calls that named a workspace.",
    &[
        field("workspace", Text, "null for those that named none, or one that is not the reader's.")
            .nullable(),
        field("passed", Integer, ""),
        field("refused", Integer, ""),
    ],
);

static CALLS_OF_REASON: Object = object(
    "CallsOfReason",
    "Calls that were refused for one reason.",
    &[field("reason", Text, ""), field("calls", Integer, "")],
);

static CALLS_OF_ADDRESS: Object = object(
    "CallsOfAddress",
    "Calls with a good token from one address.",
    &[field("address", Text, ""), field("calls", Integer, "")],
);

static CALLS_OF_SECRET: Object = object(
    "CallsOfSecret",
    "Calls with tokens of one secret.",
    &[field("number", Integer, "The secret's number."), field("calls", Integer, "")],
);

pub(super) static CALLS: Object = object(
    "Calls",
    "A client's calls as they were counted.",
    &[
        field("since", Time, "The hour from which they are counted."),
        field("passed", Integer, ""),
        field("refused", Integer, ""),
        field("byHour", ListOf(&TALLY_OF_TIME), "Hours without calls are left out."),
        field("byDay", ListOf(&TALLY_OF_TIME), "Days without calls are left out."),
        field("byWorkspace", ListOf(&TALLY_OF_WORKSPACE), ""),
        field("byReason", ListOf(&CALLS_OF_REASON), "The refused ones."),
        field("byAddress", ListOf(&CALLS_OF_ADDRESS), "By the day, the busiest first."),
        field("bySecret", ListOf(&CALLS_OF_SECRET), "The passed ones."),
    ],
);

pub(super) static TEST_ANSWER: Object = object(
    "TestAnswer",
    "What came of a test.",
    &[
        field(
            "outcome",
            Text,
            "As in attempts: delivered, status, timeout, dns, connect, tls, protocol or blocked.",
        ),
        field("status", Integer, "").nullable(),
        field("error", Text, "What went wrong.").nullable(),
        field("address", Text, "What was connected to.").nullable(),
        field("headers", Any, "Of the answer."),
        field("reply", Text, "The beginning of the answer's body."),
        field("isTruncated", Boolean, "Whether it went on."),
        field("durationMs", Number, ""),
        field(
            "phasesMs",
            Any,
            "What dns, connect, tls and firstByte took, as far as there was such a phase.",
        ),
    ],
);

pub(super) static NOTICE_URL: Object = object(
    "NoticeUrl",
    "Where a workspace's notices go.",
    &[
        field("id", Text, "`whu_…`"),
        field("url", Text, ""),
        field("createdAt", Time, ""),
        field("signingSecret", Text, "Only in the answer of the call that set it.").optional(),
    ],
);

pub(super) static NO_NOTICES: Object = object(
    "RemovedNoticeUrl",
    "A workspace whose notices go nowhere.",
    &[field("workspace", Text, "Its subdomain."), field("deleted", Boolean, "true")],
);

pub(super) static RESUMED: Object = object(
    "ResumedUrl",
    "A webhook URL that is sent to again.",
    &[
        field("client", Of(&CLIENT), ""),
        field("cancelledDeliveries", Integer, "How many of what was held back are not sent."),
    ],
);

pub(super) static URL_STATUS: Object = object(
    "WebhookUrlStatus",
    "A webhook URL, and what waits for it.",
    &[
        field("url", Of(&WEBHOOK_URL), ""),
        field("pendingDeliveries", Integer, ""),
        field(
            "silentSince",
            Time,
            "If this node leaves it alone for its receiver does not answer: since when.",
        )
        .nullable(),
        field("nextProbeAt", Time, "When it is tried next, in that case.").nullable(),
    ],
);

pub(super) static SIGNING_SECRET: Object = object(
    "SigningSecret",
    "The newest signing key of a webhook URL.",
    &[field("webhookUrlId", Text, ""), field("signingSecret", Text, "`whsec_…`")],
);

pub(super) static ISSUED: Object = object(
    "AccessToken",
    "An access token, as `/oauth/token` answers it.",
    &[
        field("access_token", Text, ""),
        field("token_type", Text, ""),
        field("expires_in", Integer, "Seconds."),
        field("scope", Text, ""),
        field("accessToken", Text, ""),
        field("accessTokenExpiresAt", Time, ""),
        field("tokenType", Text, ""),
        field("client", Any, ""),
    ],
);

pub(super) static DELIVERY: Object = object(
    "Delivery",
    "A webhook that was sent, or is to be.",
    &[
        field("id", Text, "`dlv_…`"),
        field("eventId", Text, "`evt_…`"),
        field("client", Text, "The client's id, while it is known.").nullable(),
        field("webhookUrlId", Text, ""),
        field("url", Text, "While the client has it.").nullable(),
        field("method", Text, ""),
        field("state", DELIVERY_STATE, ""),
        field("reason", Text, "Why it was cancelled or skipped.").nullable(),
        field("attempts", Integer, ""),
        field("nextAttemptAt", Time, "If it is pending.").nullable(),
        field("createdAt", Time, ""),
        field("endedAt", Time, "").nullable(),
        field("replayOf", Text, "The delivery that it repeats.").nullable(),
        field("replay", Text, "The replay that made it.").nullable(),
        field("attemptLog", ListOf(&ATTEMPT), "Only where one delivery is asked for.").optional(),
        field("event", Of(&EVENT), "Only where one delivery is asked for, and while it is kept.")
            .optional()
            .nullable(),
    ],
);

pub(super) static REPLAY: Object = object(
    "Replay",
    "What a webhook URL did not get, sent once more.",
    &[
        field("id", Text, "`rpl_…`"),
        field("client", Text, "The client's id, while it is known.").nullable(),
        field("webhookUrlId", Text, ""),
        field("url", Text, "While the client has it.").nullable(),
        field("since", Time, "It takes deliveries made from then on."),
        field("until", Time, "And before then."),
        field("method", Text, "Of this method only.").nullable(),
        field("states", REPLAYED, ""),
        field("state", OneOf(&["running", "paused", "done", "cancelled"]), ""),
        field("reason", Text, "Why it stopped by itself.").nullable(),
        field("counted", Integer, "Deliveries that it is about, as far as they are counted."),
        field("isCounted", Boolean, "Whether all of them are."),
        field("made", Integer, "Deliveries that it made."),
        field("skipped", Of(&NOT_REPLAYED), ""),
        field("pending", Integer, "Of those that replays made for the URL."),
        field("createdBy", Text, ""),
        field("createdAt", Time, ""),
        field("endedAt", Time, "").nullable(),
    ],
);

static NOT_REPLAYED: Object = object(
    "NotReplayed",
    "Deliveries that a replay left out.",
    &[
        field("sentAgain", Integer, "Their event was sent to the URL again already."),
        field("eventGone", Integer, "Their event is no longer kept."),
    ],
);

pub(super) const REPLAYED: Kind = OneOf(&["failed", "undelivered", "all"]);

pub(super) const DELIVERY_STATE: Kind = OneOf(&["pending", "delivered", "failed", "cancelled", "skipped"]);

static ATTEMPT: Object = object(
    "Attempt",
    "One attempt of a delivery.",
    &[
        field("number", Integer, ""),
        field("startedAt", Time, ""),
        field("durationMs", Number, ""),
        field("outcome", Text, ""),
        field("status", Integer, "").nullable(),
        field("error", Text, "").nullable(),
        field("address", Text, "").nullable(),
        field("requestHeaders", Any, ""),
        field("responseHeaders", Any, "").nullable(),
        field("reply", Text, "").nullable(),
        field("clientRevision", Integer, ""),
    ],
);

static EVENT: Object = object(
    "Event",
    "What happened.",
    &[
        field("id", Text, "`evt_…`"),
        field("method", Text, ""),
        field("recordId", Text, ""),
        field("record", Any, "The record as it was then."),
        field("causedBy", Text, "").nullable(),
        field("at", Time, ""),
    ],
);

static CHECK: Object = object(
    "Check",
    "A check of the gate, in order.",
    &[field("check", Text, ""), field("result", OneOf(&["passed", "failed", "not reached"]), "")],
);

pub(super) static REQUEST: Object = object(
    "Request",
    "A refused request.",
    &[
        field("id", Text, "The `X-Request-Id` of the answer."),
        field("at", Time, ""),
        field("client", Text, "The client's id, where the token named one.").nullable(),
        field("workspace", Text, "What the `business` header said.").nullable(),
        field("verb", Text, ""),
        field("path", Text, ""),
        field("status", Integer, ""),
        field("refusedBy", Text, "The check that failed."),
        field("detail", Text, "The true reason."),
        field("address", Text, ""),
        field("reason", Text, "A name for the true reason; only where one request is asked for.")
            .optional()
            .nullable(),
        field("help", Text, "What to change; likewise.").optional().nullable(),
        field("checks", ListOf(&CHECK), "How each check ended; likewise.").optional(),
        field("enabledWorkspaces", Texts, "Those that the client is enabled for; likewise.").optional(),
    ],
);

static CHANGE: Object = object(
    "Change",
    "A field that has another value than before; of a list, what went and what came.",
    &[field("field", Text, ""), field("old", Text, "").nullable(), field("new", Text, "").nullable()],
);

pub(super) static ENTRY: Object = object(
    "AuditEntry",
    "Who did what.",
    &[
        field("id", Text, "`aud_…`"),
        field("at", Time, ""),
        field("actor", Text, "`user:…`, `token:…/user:…`, `cli`, `system`"),
        field("address", Text, "").nullable(),
        field("action", Text, ""),
        field("subject", Text, "The id of what it is about."),
        field("before", Any, "The subject before, without secrets.").nullable(),
        field("after", Any, "The subject after.").nullable(),
        field("changes", ListOf(&CHANGE), ""),
    ],
);

static MEMBERSHIP: Object = object(
    "Membership",
    "What somebody is in a workspace.",
    &[field("workspace", Text, "Its subdomain."), field("role", ROLE, "")],
);

pub(super) static PERSON: Object = object(
    "Person",
    "Somebody who belongs to workspaces that the token reaches.",
    &[
        field("id", Text, "`usr_…`"),
        field("email", Text, ""),
        field("name", Text, ""),
        field("memberships", ListOf(&MEMBERSHIP), "In these workspaces."),
        field("hasSecondFactor", Boolean, ""),
        field("lastSeenAt", Time, "").nullable(),
    ],
);

pub(super) static CHANGED_MEMBERSHIP: Object = object(
    "ChangedMembership",
    "What somebody is in a workspace now. The `ETag` is the role.",
    &[field("person", Text, ""), field("workspace", Text, ""), field("role", ROLE, "")],
);

pub(super) static REMOVED: Object = object(
    "RemovedMembership",
    "Somebody belongs to a workspace no more.",
    &[field("person", Text, ""), field("workspace", Text, ""), field("removed", Boolean, "true")],
);

pub(super) static PASSWORD_LINK: Object = object(
    "PasswordLink",
    "A link that works once.",
    &[field("person", Text, ""), field("link", Text, ""), field("expiresAt", Time, "")],
);

pub(super) static SESSION: Object = object(
    "Session",
    "Somebody is signed in.",
    &[
        field("id", Text, ""),
        field("address", Text, "From where."),
        field("createdAt", Time, ""),
        field("lastSeenAt", Time, ""),
    ],
);

pub(super) static ENDED_SESSIONS: Object = object(
    "EndedSessions",
    "Sessions that are no more.",
    &[field("person", Text, ""), field("endedSessions", Integer, "")],
);

pub(super) static INVITATION: Object = object(
    "Invitation",
    "An invitation that has not been accepted yet.",
    &[
        field("id", Text, "`inv_…`"),
        field("email", Text, ""),
        field("role", ROLE, ""),
        field("workspaces", Texts, ""),
        field("invitedBy", Text, "The id of a person, or `operator`."),
        field("expiresAt", Time, ""),
        field("link", Text, "Only in the answer of the call that made it.").optional(),
    ],
);

pub(super) static WITHDRAWN: Object = object(
    "WithdrawnInvitation",
    "An invitation that was taken back.",
    &[field("id", Text, ""), field("withdrawn", Boolean, "true")],
);

pub(super) static ADMIN_TOKEN: Object = object(
    "AdminToken",
    "An admin token, by its hint.",
    &[
        field("id", Text, "`adt_…`"),
        field("name", Text, ""),
        field("user", Text, "The id of whose rights it has."),
        field("hint", Text, "Its last characters."),
        field("scopes", Texts, ""),
        field("status", OneOf(&["active", "expired", "ended"]), ""),
        field("createdAt", Time, ""),
        field("expiresAt", Time, ""),
        field("endedAt", Time, "").nullable(),
        field("lastUsedAt", Time, "").nullable(),
        field("lastAddress", Text, "").nullable(),
        field("adminToken", Text, "Only in the answer of the call that made it.").optional(),
    ],
);

static MIGRATION: Object = object(
    "Migration",
    "A step of the tables' history.",
    &[
        field("number", Integer, ""),
        field("name", Text, ""),
        field("state", OneOf(&["applied", "pending", "changed", "unknown"]), ""),
    ],
);

static SCHEMA: Object = object(
    "Schema",
    "Where the tables stand.",
    &[field("current", Integer, ""), field("migrations", ListOf(&MIGRATION), "")],
);

pub(super) static STATUS: Object = object(
    "Status",
    "The release, and where the database stands.",
    &[field("version", Text, ""), field("schema", Of(&SCHEMA), "")],
);

pub(super) static MIGRATED: Object = object(
    "Migrated",
    "What was brought up to date.",
    &[field("applied", ListOf(&MIGRATION), ""), field("current", Integer, "")],
);

pub(super) static BACKUP: Object =
    object("Backup", "A copy of the database.", &[field("path", Text, "The file on the server.")]);

pub(super) static PROBLEM: Object = object(
    "Problem",
    "Why it was not done.",
    &[
        field("code", Integer, "The status."),
        field("statusCode", Integer, "The status."),
        field("name", Text, "A stable name of the error."),
        field("message", Text, "What is wrong."),
        field("help", Text, "What to do.").optional(),
    ],
);
