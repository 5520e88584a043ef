//! Named moments in an event's life at which a crash must lose nothing.
//!
//! The code says when it is at one of them; in production nobody listens ([`NoCrash`]). What ends the process there is in
//! debug builds of the binary alone (docs/adr/0008-crash-points.md).

use std::fmt;

/// A moment at which the process may end. The order is that of an event's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrashPoint {
    /// A write with its event and deliveries is durable; its caller is not answered and the senders know nothing of it.
    Committed,
    /// One of the write's deliveries is handed over to the senders; the others and the answer are not.
    HandingOver,
    /// Deliveries that were due are leased by this node; none of them is sent.
    Claimed,
    /// The receiver's answer is there; nothing of it is written down.
    Sent,
    /// Results of several tries are about to be written down.
    BeforeRecord,
    /// They are written down.
    Recorded,
    /// The node stops: it took its last fresh deliveries, and gave back none that wait.
    Stopping,
}

impl CrashPoint {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Committed,
        Self::HandingOver,
        Self::Claimed,
        Self::Sent,
        Self::BeforeRecord,
        Self::Recorded,
        Self::Stopping,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::HandingOver => "handing-over",
            Self::Claimed => "claimed",
            Self::Sent => "sent",
            Self::BeforeRecord => "before-record",
            Self::Recorded => "recorded",
            Self::Stopping => "stopping",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.as_str() == name)
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Is told of each such moment.
pub trait CrashPoints: Send + Sync + fmt::Debug + 'static {
    /// The process is at this point. It may not be there any more when this would return.
    fn reached(&self, point: CrashPoint);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCrash;

impl CrashPoints for NoCrash {
    fn reached(&self, _: CrashPoint) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_is_found_by_its_name() {
        for point in CrashPoint::ALL {
            assert_eq!(CrashPoint::parse(&point.to_string()), Some(point));
        }
        assert_eq!(CrashPoint::parse("nowhere"), None);
    }
}
