//! The rows: what is measured, and what it has to reach (docs/performance.md).

/// One row of the bench.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) work: Work,
    pub(crate) target: Target,
}

/// What is done, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Client credentials for an access token.
    Token,
    /// One record, with a good token.
    GatedRead,
    /// The same with an altered token and with a workspace that the client is not enabled for, in turns.
    Refused,
    /// A record of 1 KiB made in one of so many workspaces, with its event and a delivery for each of so many URLs.
    Write { urls: usize, workspaces: usize },
    /// The same with one URL, and the delivery sent to a receiver that takes it, and recorded.
    Delivered { workspaces: usize },
}

/// What a row has to reach.
pub(crate) struct Target {
    /// Throughput as a share of the limit's.
    pub(crate) ratio: Option<f64>,
    /// User and system time of one operation, in microseconds.
    pub(crate) cpu_us: f64,
}

const fn row(name: &'static str, work: Work, ratio: Option<f64>, cpu_us: f64) -> Row {
    Row { name, work, target: Target { ratio, cpu_us } }
}

const SPREAD: usize = 100;

/// Every row.
pub(crate) const ROWS: [Row; 9] = [
    row("token", Work::Token, Some(0.7), 26.0),
    row("gated-read", Work::GatedRead, Some(0.6), 20.0),
    row("refused", Work::Refused, Some(0.85), 14.0),
    row("durable-write-0-url", Work::Write { urls: 0, workspaces: 1 }, Some(0.6), 55.0),
    row("durable-write-1-url", Work::Write { urls: 1, workspaces: 1 }, Some(0.6), 70.0),
    row("durable-write-5-url", Work::Write { urls: 5, workspaces: 1 }, Some(0.55), 85.0),
    row("durable-write-1-url-spread", Work::Write { urls: 1, workspaces: SPREAD }, None, 105.0),
    row("delivered", Work::Delivered { workspaces: 1 }, Some(0.6), 115.0),
    row("delivered-spread", Work::Delivered { workspaces: SPREAD }, None, 150.0),
];

impl Row {
    /// Whether it is about many workspaces at once, which takes long to set up.
    pub(crate) fn is_spread(&self) -> bool {
        self.work.workspaces() > 1
    }
}

impl Work {
    pub(crate) const fn workspaces(self) -> usize {
        match self {
            Self::Token | Self::GatedRead | Self::Refused => 1,
            Self::Write { workspaces, .. } | Self::Delivered { workspaces } => workspaces,
        }
    }

    pub(crate) const fn urls(self) -> usize {
        match self {
            Self::Token | Self::GatedRead | Self::Refused => 0,
            Self::Write { urls, .. } => urls,
            Self::Delivered { .. } => 1,
        }
    }
}
