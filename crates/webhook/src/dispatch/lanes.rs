//! Whose turn it is: one lane per webhook URL.
//!
//! A lane has so many deliveries on the wire at a time. A lane whose receiver fails narrows, down to one at a time, and
//! widens again with each success. Turns go round: a lane with a thousand waiting gets no more of them than one with a
//! single delivery. What waits in memory is bounded; when it is full, the longest lane gives back its newest, so that a
//! slow receiver can crowd out nobody but itself.

use std::collections::{HashMap, VecDeque};

use gatepost_model::Timestamp;
use gatepost_store::tables::deliveries::Claimed;

/// A delivery that waits for its turn.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The delivery.
    pub delivery: Claimed,
    /// When the claim on it ends.
    pub leased_until: Timestamp,
}

#[derive(Debug)]
struct Lane {
    waiting: VecDeque<Waiting>,
    on_the_wire: usize,
    width: usize,
}

/// All lanes of a node.
#[derive(Debug)]
pub struct Lanes {
    lanes: HashMap<String, Lane>,
    /// The URLs that may have a turn to take, each once, next first.
    turns: VecDeque<String>,
    waiting: usize,
    on_the_wire: usize,
    width: usize,
    most_waiting: usize,
    most_on_the_wire: usize,
}

impl Lanes {
    /// Lanes of `width`, with bounds on what is on the wire and what waits, all together.
    #[must_use]
    pub fn new(width: usize, most_on_the_wire: usize, most_waiting: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            waiting: 0,
            on_the_wire: 0,
            width: width.max(1),
            most_waiting: most_waiting.max(1),
            most_on_the_wire: most_on_the_wire.max(1),
        }
    }

    /// How many more may wait before somebody has to give way.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.most_waiting.saturating_sub(self.waiting)
    }

    /// How many are on the wire.
    #[must_use]
    pub const fn on_the_wire(&self) -> usize {
        self.on_the_wire
    }

    /// Takes a delivery in. If that is one too many, gives back the one that has to give way.
    pub fn push(&mut self, waiting: Waiting) -> Option<Waiting> {
        let url = waiting.delivery.url_id.clone();
        let width = self.width;
        let lane = self.lanes.entry(url.clone()).or_insert_with(|| Lane {
            waiting: VecDeque::new(),
            on_the_wire: 0,
            width,
        });
        if lane.waiting.is_empty() {
            self.turns.push_back(url);
        }
        lane.waiting.push_back(waiting);
        self.waiting += 1;
        if self.waiting <= self.most_waiting {
            return None;
        }
        let longest = self.lanes.values_mut().max_by_key(|lane| lane.waiting.len())?;
        let given_back = longest.waiting.pop_back();
        self.waiting -= usize::from(given_back.is_some());
        given_back
    }

    /// The next delivery to be sent, if any lane has a turn to take.
    pub fn next(&mut self) -> Option<Waiting> {
        if self.on_the_wire >= self.most_on_the_wire {
            return None;
        }
        for _ in 0..self.turns.len() {
            let url = self.turns.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&url) else { continue };
            if lane.waiting.is_empty() {
                continue;
            }
            if lane.on_the_wire >= lane.width {
                self.turns.push_back(url);
                continue;
            }
            let next = lane.waiting.pop_front();
            lane.on_the_wire += 1;
            self.on_the_wire += 1;
            self.waiting -= 1;
            if !lane.waiting.is_empty() {
                self.turns.push_back(url);
            }
            return next;
        }
        None
    }

    /// A delivery of this URL is off the wire again. `went_well` widens the lane, its opposite narrows it.
    pub fn finished(&mut self, url_id: &str, went_well: bool) {
        self.on_the_wire = self.on_the_wire.saturating_sub(1);
        let Some(lane) = self.lanes.get_mut(url_id) else { return };
        lane.on_the_wire = lane.on_the_wire.saturating_sub(1);
        lane.width = if went_well { (lane.width * 2).min(self.width) } else { (lane.width / 2).max(1) };
        // A lane of full width that has nothing to do is as good as a new one. A narrow one is remembered as long as it
        // has company, so that a failing receiver does not get a wide lane again for being quiet a moment.
        let idle = lane.waiting.is_empty() && lane.on_the_wire == 0;
        if idle && (lane.width == self.width || self.lanes.len() > 10_000) {
            self.lanes.remove(url_id);
        }
    }

    /// Takes out everything that waits.
    pub fn drain(&mut self) -> Vec<Waiting> {
        self.waiting = 0;
        self.turns.clear();
        self.lanes.values_mut().flat_map(|lane| std::mem::take(&mut lane.waiting)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::{ClientNumber, WorkspaceNumber};

    fn waiting(url: &str, n: usize) -> Waiting {
        let delivery = Claimed {
            id: format!("dlv_{n}"),
            event_id: String::new(),
            url_id: url.to_owned(),
            client: ClientNumber(1),
            workspace: WorkspaceNumber(1),
            method: "task.edit".parse().unwrap(),
            attempts: 0,
            fence: 1,
            record_id: String::new(),
            record: String::new(),
            caused_by: String::new(),
            event_at: Timestamp(0),
        };
        Waiting { delivery, leased_until: Timestamp(0) }
    }

    fn urls(lanes: &mut Lanes, most: usize) -> Vec<String> {
        (0..most).map_while(|_| lanes.next()).map(|next| next.delivery.url_id).collect()
    }

    #[test]
    fn turns_go_round() {
        let mut lanes = Lanes::new(2, 100, 100);
        for n in 0..5 {
            lanes.push(waiting("a", n));
        }
        lanes.push(waiting("b", 9));
        assert_eq!(urls(&mut lanes, 10), ["a", "b", "a"]);
        lanes.finished("a", true);
        assert_eq!(urls(&mut lanes, 10), ["a"]);
        assert_eq!(lanes.on_the_wire(), 3);
    }

    #[test]
    fn a_full_house_costs_the_longest_lane_only() {
        let mut lanes = Lanes::new(1, 100, 10);
        for n in 0..10 {
            assert!(lanes.push(waiting("slow", n)).is_none());
        }
        let given_back = lanes.push(waiting("quick", 99)).unwrap();
        assert_eq!(given_back.delivery.url_id, "slow");
        assert_eq!(given_back.delivery.id, "dlv_9");
        assert!(urls(&mut lanes, 10).contains(&String::from("quick")));
    }

    #[test]
    fn failures_narrow_a_lane_and_successes_widen_it() {
        let mut lanes = Lanes::new(8, 100, 100);
        for n in 0..60 {
            lanes.push(waiting("a", n));
        }
        assert_eq!(urls(&mut lanes, 100).len(), 8);
        (0..8).for_each(|_| lanes.finished("a", false));
        assert_eq!(urls(&mut lanes, 100).len(), 1);
        lanes.finished("a", true);
        assert_eq!(urls(&mut lanes, 100).len(), 2);
    }

    #[test]
    fn the_wire_is_bounded() {
        let mut lanes = Lanes::new(8, 3, 100);
        for n in 0..10 {
            lanes.push(waiting(&format!("u{n}"), n));
        }
        assert_eq!(urls(&mut lanes, 100).len(), 3);
        assert_eq!(lanes.drain().len(), 7);
        assert!(lanes.next().is_none());
    }
}
