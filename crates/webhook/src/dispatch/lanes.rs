//! Whose turn it is: one lane per webhook URL.
//!
//! A lane has so many deliveries on the wire at a time. A lane whose receiver fails narrows, down to one at a time, and
//! widens again with each success. Turns go round: a lane with a thousand waiting gets no more of them than one with a
//! single delivery. What waits in memory is bounded; when it is full, the longest lane gives its newest out again for about
//! as long as it would have waited for its turn. So a slow receiver can crowd out nobody but itself, and still gets its
//! deliveries as fast as it takes them.
//!
//! A receiver that does not answer at all is left alone but for a probe ([`super::breaker`]); its lane begins again with one
//! at a time. The second half of the wire is for those that answer: of the others each has one place in it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_store::handover::NoRoom;
use gatepost_store::tables::deliveries::Claimed;

use super::breaker::{Admits, Breaker, Change};
use super::hold::Hold;

/// How wide a lane begins, of a receiver that is not known yet.
const FIRST_WIDTH: usize = 8;
/// How long a try takes as far as is known before the first one has ended.
const FIRST_TRY: Duration = Duration::from_millis(100);
/// What gives way stays away for at least this long, so that it is not back at once,
const LEAST_PAUSE: Duration = Duration::from_millis(250);
/// and for at most this long, so that a receiver that recovers is not left waiting.
const MOST_PAUSE: Duration = Duration::from_secs(300);
/// A receiver of whom nothing was heard for so long is taken not to answer.
const SILENT: Duration = Duration::from_secs(1);
/// What has to wait for a probe comes back this much after another,
const BEHIND_PROBE: Duration = Duration::from_millis(1);
/// and after this long while the probe is on the wire.
const PROBE_PAUSE: Duration = Duration::from_secs(1);
/// So many narrow lanes are remembered while they have nothing to do.
const MOST_REMEMBERED: usize = 10_000;

/// A delivery that waits for its turn.
#[derive(Debug)]
pub struct Waiting {
    /// The delivery.
    pub delivery: Claimed,
    /// When the claim on it ends.
    pub leased_until: Timestamp,
    /// Counts it as in memory.
    pub hold: Hold,
}

/// A delivery that has to wait in the table instead.
#[derive(Debug)]
pub struct GivesWay {
    /// The delivery.
    pub waiting: Waiting,
    /// When it would have had its turn, about.
    pub due_at: Timestamp,
}

/// How a delivery's turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The receiver keeps up: it answered after so long.
    Well(Duration),
    /// It does not: this is how long it took to find out.
    Badly(Duration),
    /// Nothing was sent.
    Unused,
}

#[derive(Debug)]
struct Lane {
    waiting: VecDeque<Waiting>,
    on_the_wire: usize,
    width: usize,
    /// Whether it stands in the row of turns.
    in_row: bool,
    /// How long a try takes, the latest counting most.
    takes: Duration,
    /// When a try last ended, or was begun while none was on the wire.
    last_news: Timestamp,
    /// When the last of those that gave way comes back.
    last_back: Timestamp,
    /// Whether its receiver has answered of late.
    answers: bool,
    breaker: Breaker,
}

impl Lane {
    const fn new(width: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            on_the_wire: 0,
            width,
            in_row: false,
            takes: FIRST_TRY,
            last_news: Timestamp::EPOCH,
            last_back: Timestamp::EPOCH,
            answers: false,
            breaker: Breaker::CLOSED,
        }
    }

    fn may_send(&self, now: Timestamp, crowded: bool) -> bool {
        let most = if crowded && !self.answers_at(now) { 1 } else { self.width };
        !self.waiting.is_empty()
            && match self.breaker.admits(now) {
                Admits::All => self.on_the_wire < most,
                Admits::Probe => true,
                Admits::Nothing(_) => false,
            }
    }

    fn answers_at(&self, now: Timestamp) -> bool {
        self.answers && (self.on_the_wire == 0 || now.since(self.last_news) < SILENT)
    }

    /// Whether one more may wait: for a probe, only the probe.
    fn takes_more(&self, now: Timestamp) -> bool {
        match self.breaker.admits(now) {
            Admits::All => true,
            Admits::Probe => self.waiting.is_empty(),
            Admits::Nothing(_) => false,
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.on_the_wire == 0
    }

    /// When one that gives way has its turn.
    fn next_back(&mut self, now: Timestamp, width: usize) -> Timestamp {
        self.last_back = self.turn_after(now, width, 1);
        self.last_back
    }

    /// When the last of so many more has its turn, about: after those that wait and those that gave way before it, at the
    /// lane's pace, or after the probe.
    fn turn_after(&self, now: Timestamp, width: usize, more: u32) -> Timestamp {
        let (first, pace) = match self.breaker.admits(now) {
            Admits::Nothing(probe_at) => (probe_at.max(now.plus(PROBE_PAUSE)), BEHIND_PROBE),
            Admits::Probe => (now.plus(PROBE_PAUSE), BEHIND_PROBE),
            Admits::All => {
                let pace = self.pace(now, width);
                (now.plus(pace.saturating_mul(count(self.waiting.len())).max(LEAST_PAUSE)), pace)
            }
        };
        first.max(self.last_back.plus(pace.saturating_mul(more))).min(now.plus(MOST_PAUSE))
    }

    /// How long passes from one end of a try to the next. A try that has not ended by now takes at least as long as that.
    fn pace(&self, now: Timestamp, width: usize) -> Duration {
        let silent = if self.on_the_wire > 0 { now.since(self.last_news) } else { Duration::ZERO };
        self.takes.max(silent) / count(width).max(1)
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How wide a lane will be while it works off what waits: as wide as may be, unless its receiver has failed of late.
const fn width_to_come(lane: &Lane, first_width: usize, full_width: usize) -> usize {
    if lane.width < first_width { lane.width } else { full_width }
}

/// All lanes of a node.
#[derive(Debug)]
pub struct Lanes {
    lanes: HashMap<String, Lane>,
    /// The URLs that may send, each once, next first.
    row: VecDeque<String>,
    waiting: usize,
    on_the_wire: usize,
    width: usize,
    most_waiting: usize,
    most_on_the_wire: usize,
    no_room: Arc<NoRoom>,
}

impl Lanes {
    /// Lanes of up to `width`, with bounds on what is on the wire and what waits, all together. The URLs that take no more
    /// are told to `no_room`.
    #[must_use]
    pub fn new(width: usize, most_on_the_wire: usize, most_waiting: usize, no_room: Arc<NoRoom>) -> Self {
        Self {
            lanes: HashMap::new(),
            row: VecDeque::new(),
            waiting: 0,
            on_the_wire: 0,
            width: width.max(1),
            most_waiting: most_waiting.max(1),
            most_on_the_wire: most_on_the_wire.max(1),
            no_room,
        }
    }

    /// Takes a delivery in. If that is one too many, says which one has to give way.
    pub fn push(&mut self, waiting: Waiting, now: Timestamp) -> Option<GivesWay> {
        let url = waiting.delivery.url_id.clone();
        let first_width = self.first_width();
        let lane = self.lanes.entry(url.clone()).or_insert_with(|| Lane::new(first_width));
        // Whoever tells the senders from outside: a person who wants it tried, or has just enabled it.
        match (self.no_room.broken(&url), lane.breaker.is_closed()) {
            (None, false) => {
                lane.breaker = Breaker::CLOSED;
                lane.last_back = now;
            }
            (Some(broken), true) => {
                lane.breaker = Breaker::open_until(broken);
                lane.width = 1;
                lane.last_back = now;
            }
            _ => {}
        }
        if !lane.takes_more(now) {
            let due_at = lane.next_back(now, 1);
            self.no_room.close(&url, due_at);
            return Some(GivesWay { waiting, due_at });
        }
        lane.waiting.push_back(waiting);
        self.waiting += 1;
        self.line_up(&url, now);
        if self.waiting <= self.most_waiting { None } else { self.give_way(now) }
    }

    /// The next delivery to be sent, if any lane has a turn to take.
    pub fn next_turn(&mut self, now: Timestamp) -> Option<Waiting> {
        if self.on_the_wire >= self.most_on_the_wire {
            return None;
        }
        let crowded = self.is_crowded();
        while let Some(url) = self.row.pop_front() {
            let Some(lane) = self.lanes.get_mut(&url) else { continue };
            lane.in_row = false;
            if !lane.may_send(now, crowded) {
                continue;
            }
            let next = lane.waiting.pop_front();
            lane.breaker.begun();
            if lane.on_the_wire == 0 {
                lane.last_news = now;
            }
            lane.on_the_wire += 1;
            self.on_the_wire += 1;
            self.waiting -= 1;
            self.line_up(&url, now);
            return next;
        }
        None
    }

    /// A delivery of this URL is off the wire again. A receiver that keeps up widens the lane, its opposite narrows it, and
    /// one that does not answer breaks its circuit: then what waits has to give way.
    pub fn finished(&mut self, url_id: &str, turn: Turn, now: Timestamp) -> Vec<GivesWay> {
        let Some(lane) = self.lanes.get_mut(url_id) else { return Vec::new() };
        self.on_the_wire = self.on_the_wire.saturating_sub(1);
        lane.on_the_wire = lane.on_the_wire.saturating_sub(1);
        lane.last_news = now;
        match turn {
            Turn::Well(_) => lane.width = (lane.width + 1).min(self.width),
            Turn::Badly(_) => lane.width = (lane.width / 2).max(1),
            Turn::Unused => {}
        }
        if let Turn::Well(took) | Turn::Badly(took) = turn {
            lane.takes = (lane.takes.saturating_mul(3).saturating_add(took)) / 4;
            lane.answers = matches!(turn, Turn::Well(_));
        }
        let gives_way = match lane.breaker.ended(turn, now) {
            Change::None => Vec::new(),
            Change::Closed => {
                lane.width = 1;
                lane.last_back = now;
                self.no_room.mend_circuit(url_id);
                Vec::new()
            }
            Change::Opened(broken) => {
                lane.width = 1;
                lane.last_back = now;
                self.no_room.break_circuit(url_id, broken);
                self.waiting -= lane.waiting.len();
                let waiting = std::mem::take(&mut lane.waiting).into_iter();
                waiting.map(|waiting| GivesWay { waiting, due_at: lane.next_back(now, 1) }).collect()
            }
        };
        self.line_up(url_id, now);
        self.forget_if_idle(url_id);
        gives_way
    }

    /// Takes out what waits and whose claim ends before `moment`.
    pub fn expire(&mut self, moment: Timestamp, now: Timestamp) -> Vec<GivesWay> {
        let mut expired = Vec::new();
        let mut emptied = Vec::new();
        let (first_width, full_width) = (self.first_width(), self.width);
        for (url, lane) in self.lanes.iter_mut().filter(|(_, lane)| !lane.waiting.is_empty()) {
            let ended = |waiting: &Waiting| waiting.leased_until < moment;
            if !lane.waiting.iter().any(ended) {
                continue;
            }
            let (gone, kept): (VecDeque<_>, VecDeque<_>) =
                std::mem::take(&mut lane.waiting).into_iter().partition(ended);
            lane.waiting = kept;
            self.waiting -= gone.len();
            let width = width_to_come(lane, first_width, full_width);
            let gives_way = |waiting| GivesWay { waiting, due_at: lane.next_back(now, width) };
            expired.extend(gone.into_iter().map(gives_way));
            if lane.is_idle() {
                emptied.push(url.clone());
            }
        }
        emptied.iter().for_each(|url| self.forget_if_idle(url));
        expired
    }

    /// The URLs that take no more, each with the moment until which what is due for it is put off.
    pub fn put_off(&self, now: Timestamp) -> HashMap<String, Timestamp> {
        let until = |url: String| {
            let lane = self.lanes.get(&url)?;
            let back = lane.turn_after(now, self.width_to_come(lane), 1);
            Some((url, back))
        };
        self.no_room.all(now).into_iter().filter_map(until).collect()
    }

    /// So many of these URLs were put off, which have their turn before those that come after them.
    pub fn were_put_off(&mut self, counts: &HashMap<String, u32>, now: Timestamp) {
        for (url, count) in counts {
            let Some(lane) = self.lanes.get(url) else { continue };
            let last = lane.turn_after(now, self.width_to_come(lane), *count);
            if let Some(lane) = self.lanes.get_mut(url) {
                lane.last_back = last;
            }
        }
    }

    /// Takes out everything that waits.
    pub fn drain(&mut self) -> Vec<Waiting> {
        self.waiting = 0;
        self.row.clear();
        let waiting = |lane: &mut Lane| {
            lane.in_row = false;
            std::mem::take(&mut lane.waiting)
        };
        self.lanes.values_mut().flat_map(waiting).collect()
    }

    /// Whether the half of the wire that is for everybody is in use.
    const fn is_crowded(&self) -> bool {
        self.on_the_wire > self.most_on_the_wire / 2
    }

    const fn width_to_come(&self, lane: &Lane) -> usize {
        width_to_come(lane, self.first_width(), self.width)
    }

    const fn first_width(&self) -> usize {
        if self.width < FIRST_WIDTH { self.width } else { FIRST_WIDTH }
    }

    /// Puts a lane into the row if it may send and is not there yet.
    fn line_up(&mut self, url_id: &str, now: Timestamp) {
        let crowded = self.is_crowded();
        if let Some(lane) = self.lanes.get_mut(url_id)
            && lane.may_send(now, crowded)
            && !lane.in_row
        {
            lane.in_row = true;
            self.row.push_back(url_id.to_owned());
        }
    }

    fn give_way(&mut self, now: Timestamp) -> Option<GivesWay> {
        let (first_width, full_width) = (self.first_width(), self.width);
        let longest = self.lanes.values_mut().max_by_key(|lane| lane.waiting.len())?;
        let waiting = longest.waiting.pop_back()?;
        let due_at = longest.next_back(now, width_to_come(longest, first_width, full_width));
        self.waiting -= 1;
        self.no_room.close(&waiting.delivery.url_id, due_at);
        self.forget_if_idle(&waiting.delivery.url_id);
        Some(GivesWay { waiting, due_at })
    }

    /// A lane that has nothing to do is as good as a new one. A narrower one is remembered as long as there are not too
    /// many of them, so that a failing receiver does not get a wide lane again for being quiet a moment.
    fn forget_if_idle(&mut self, url_id: &str) {
        let crowded = self.lanes.len() > MOST_REMEMBERED;
        let first_width = self.first_width();
        let Some(lane) = self.lanes.get_mut(url_id).filter(|lane| lane.is_idle()) else { return };
        if std::mem::take(&mut lane.in_row) {
            self.row.retain(|other| other != url_id);
        }
        if lane.width >= first_width || crowded {
            if !lane.breaker.is_closed() {
                self.no_room.mend_circuit(url_id);
            }
            self.lanes.remove(url_id);
        }
    }
}

#[cfg(test)]
mod tests;
