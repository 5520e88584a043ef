use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatepost_model::{ClientNumber, WorkspaceNumber};
use gatepost_store::handover::Broken;
use proptest::prelude::*;

use super::*;
use crate::dispatch::breaker::FIRST_WAIT;

const NOW: Timestamp = Timestamp::from_seconds(1_000);
const QUICK: Turn = Turn::Well(Duration::from_millis(100));
const DEAD: Turn = Turn::Badly(Duration::from_secs(15));

/// A delivery whose lease ends so many seconds after the epoch.
fn leased(url: &str, id: usize, seconds: i64) -> Waiting {
    let delivery = Claimed {
        id: format!("dlv_{id}"),
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
    let hold = Hold::new(&Arc::new(AtomicUsize::new(0)));
    Waiting { delivery, leased_until: Timestamp::from_seconds(seconds), hold }
}

fn waiting(url: &str, id: usize) -> Waiting {
    leased(url, id, 0)
}

fn lanes_of(width: usize, most_on_the_wire: usize, most_waiting: usize) -> Lanes {
    Lanes::new(width, most_on_the_wire, most_waiting, Arc::default())
}

fn finish(lanes: &mut Lanes, url: &str, turn: Turn, times: usize) {
    (0..times).for_each(|_| assert!(lanes.finished(url, turn, NOW).is_empty()));
}

fn urls(lanes: &mut Lanes, most: usize) -> Vec<String> {
    (0..most).map_while(|_| lanes.next_turn(NOW)).map(|next| next.delivery.url_id).collect()
}

#[test]
fn turns_go_round() {
    let mut lanes = lanes_of(2, 100, 100);
    for id in 0..5 {
        lanes.push(waiting("a", id), NOW);
    }
    lanes.push(waiting("b", 9), NOW);
    assert_eq!(urls(&mut lanes, 10), ["a", "b", "a"]);
    lanes.finished("a", QUICK, NOW);
    assert_eq!(urls(&mut lanes, 10), ["a"]);
}

#[test]
fn a_full_house_costs_the_longest_lane_only() {
    let mut lanes = lanes_of(1, 100, 10);
    for id in 0..10 {
        assert!(lanes.push(waiting("slow", id), NOW).is_none());
    }
    let gives_way = lanes.push(waiting("quick", 99), NOW).unwrap();
    assert_eq!(gives_way.waiting.delivery.id, "dlv_9");
    // Nine wait before it, and a try is taken to last a tenth of a second.
    assert_eq!(gives_way.due_at, NOW.plus(Duration::from_millis(900)));
    assert!(urls(&mut lanes, 10).contains(&String::from("quick")));
}

#[test]
fn what_gives_way_comes_back_at_the_lanes_pace() {
    let mut lanes = lanes_of(1, 100, 4);
    let pause = |lanes: &mut Lanes, id, now| {
        lanes.push(waiting("a", id), now).map(|gives_way| gives_way.due_at.since(now))
    };
    assert!((0..4).all(|id| pause(&mut lanes, id, NOW).is_none()));
    assert_eq!(pause(&mut lanes, 4, NOW), Some(Duration::from_millis(400)));
    assert_eq!(pause(&mut lanes, 5, NOW), Some(Duration::from_millis(500)));
    // Those have come back by now.
    let later = NOW.plus(Duration::from_secs(5));
    assert_eq!(pause(&mut lanes, 6, later), Some(Duration::from_millis(400)));
    assert!(lanes.next_turn(NOW).is_some());
    finish(&mut lanes, "a", DEAD, 7);
    assert_eq!(pause(&mut lanes, 7, later), None);
    assert!(pause(&mut lanes, 8, later).is_some_and(|pause| pause > Duration::from_secs(45)));
    assert!((9..100).filter_map(|id| pause(&mut lanes, id, later)).all(|pause| pause <= MOST_PAUSE));
}

#[test]
fn failures_narrow_a_lane_and_successes_widen_it() {
    let mut lanes = lanes_of(32, 100, 100);
    for id in 0..100 {
        lanes.push(waiting("a", id), NOW);
    }
    assert_eq!(urls(&mut lanes, 100).len(), FIRST_WIDTH);
    finish(&mut lanes, "a", DEAD, FIRST_WIDTH - 1);
    lanes.finished("a", Turn::Unused, NOW);
    assert_eq!(urls(&mut lanes, 100).len(), 1);
    for on_the_wire in [1, 2, 4, 8, 16] {
        finish(&mut lanes, "a", QUICK, on_the_wire);
        assert_eq!(urls(&mut lanes, 100).len(), on_the_wire * 2);
    }
    finish(&mut lanes, "a", QUICK, 8);
    assert_eq!(urls(&mut lanes, 100).len(), 8, "no wider than that");
}

#[test]
fn a_failing_receiver_stays_narrow_when_it_was_quiet_for_a_moment() {
    let mut lanes = lanes_of(4, 100, 100);
    for id in 0..4 {
        lanes.push(waiting("dead", id), NOW);
    }
    assert_eq!(urls(&mut lanes, 100).len(), 4);
    finish(&mut lanes, "dead", DEAD, 4);
    for id in 0..4 {
        lanes.push(waiting("dead", id), NOW);
    }
    assert_eq!(urls(&mut lanes, 100).len(), 1);
}

#[test]
fn a_receiver_that_does_not_answer_gets_a_probe_and_then_one_at_a_time() {
    let mut lanes = lanes_of(32, 100, 100);
    for id in 0..20 {
        lanes.push(waiting("a", id), NOW);
    }
    assert_eq!(urls(&mut lanes, 100).len(), FIRST_WIDTH);
    finish(&mut lanes, "a", DEAD, FIRST_WIDTH - 1);
    assert!(urls(&mut lanes, 100).is_empty());
    let give_way = lanes.finished("a", DEAD, NOW);
    let probe_at = NOW.plus(FIRST_WAIT);
    assert_eq!(lanes.no_room.broken("a"), Some(Broken { since: NOW, probe_at }));
    assert_eq!(give_way.len(), 20 - FIRST_WIDTH);
    assert!(give_way.iter().all(|gives_way| (probe_at..probe_at.plus(SILENT)).contains(&gives_way.due_at)));
    assert!(give_way.is_sorted_by_key(|gives_way| (gives_way.due_at, &gives_way.waiting.delivery.id)));
    // Neither a writer nor a claim brings anything, and what comes in spite of that has to wait.
    assert_eq!(lanes.no_room.until("a", NOW), Some(probe_at));
    assert!(lanes.put_off(NOW)["a"] >= probe_at);
    assert!(lanes.push(waiting("a", 20), NOW).is_some_and(|gives_way| gives_way.due_at >= probe_at));
    // One is the probe.
    assert!(lanes.push(waiting("a", 21), probe_at).is_none());
    assert!(lanes.push(waiting("a", 22), probe_at).is_some());
    assert!(lanes.next_turn(probe_at).is_some());
    assert!(lanes.push(waiting("a", 23), probe_at).is_some());
    assert!(lanes.finished("a", QUICK, probe_at).is_empty());
    assert_eq!((lanes.no_room.broken("a"), lanes.no_room.until("a", probe_at)), (None, None));
    for id in 24..40 {
        assert!(lanes.push(waiting("a", id), probe_at).is_none());
    }
    for width in [1, 2, 4, 8] {
        assert_eq!(urls(&mut lanes, 100).len(), width);
        finish(&mut lanes, "a", QUICK, width);
    }
}

#[test]
fn whom_a_person_wants_to_be_tried_is_tried() {
    let mut lanes = lanes_of(8, 100, 100);
    (0..8).for_each(|id| assert!(lanes.push(waiting("a", id), NOW).is_none()));
    assert_eq!(urls(&mut lanes, 100).len(), 8);
    finish(&mut lanes, "a", DEAD, 8);
    assert!(lanes.push(waiting("a", 8), NOW).is_some());
    lanes.no_room.mend_circuit("a");
    assert!(lanes.push(waiting("a", 9), NOW).is_none());
    assert_eq!(urls(&mut lanes, 100).len(), 1);
}

#[test]
fn half_of_the_wire_is_for_receivers_that_answer() {
    let mut lanes = lanes_of(4, 8, 100);
    for id in 0..8 {
        lanes.push(waiting(if id < 4 { "hangs" } else { "hangs too" }, id), NOW);
    }
    assert_eq!(urls(&mut lanes, 100).len(), 5);
    for id in 10..14 {
        lanes.push(waiting("answers", id), NOW);
    }
    assert_eq!(urls(&mut lanes, 100), ["answers"], "it is not known yet");
    finish(&mut lanes, "answers", QUICK, 1);
    assert_eq!(urls(&mut lanes, 100), ["answers"; 3]);
}

#[test]
fn the_wire_is_bounded() {
    let mut lanes = lanes_of(8, 3, 100);
    for id in 0..10 {
        lanes.push(waiting(&format!("u{id}"), id), NOW);
    }
    assert_eq!(urls(&mut lanes, 100).len(), 3);
    assert_eq!(lanes.drain().len(), 7);
    assert!(lanes.next_turn(NOW).is_none());
}

#[test]
fn what_waits_too_long_is_taken_out() {
    let mut lanes = lanes_of(1, 1, 100);
    lanes.push(leased("a", 1, 50), NOW);
    assert!(lanes.next_turn(NOW).is_some());
    for (id, seconds) in [(2, 10), (3, 30), (4, 20)] {
        lanes.push(leased("a", id, seconds), NOW);
    }
    lanes.push(leased("b", 5, 10), NOW);
    let expired = lanes.expire(Timestamp::from_seconds(30), NOW);
    let ids: HashSet<_> = expired.iter().map(|gives_way| gives_way.waiting.delivery.id.as_str()).collect();
    assert_eq!(ids, HashSet::from(["dlv_2", "dlv_4", "dlv_5"]));
    assert_eq!(lanes.lanes.len(), 1, "a lane with nothing to do is forgotten");
    lanes.finished("a", QUICK, NOW);
    assert_eq!(lanes.next_turn(NOW).map(|next| next.delivery.id), Some(String::from("dlv_3")));
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8, i64),
    Next,
    Finish(usize, Turn),
    Expire(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let turn = prop_oneof![Just(QUICK), Just(DEAD), Just(Turn::Unused)];
    prop_oneof![
        4 => (0u8..6, 0i64..60).prop_map(|(url, seconds)| Step::Push(url, seconds)),
        3 => Just(Step::Next),
        3 => (any::<usize>(), turn).prop_map(|(which, turn)| Step::Finish(which, turn)),
        1 => (0i64..40).prop_map(Step::Expire),
    ]
}

/// What has come out of the lanes, and what is on the wire.
#[derive(Default)]
struct Out {
    ids: HashSet<String>,
    wire: Vec<String>,
}

impl Out {
    fn take(&mut self, waiting: Waiting) {
        assert!(self.ids.insert(waiting.delivery.id), "it came out twice");
    }

    fn take_step(&mut self, lanes: &mut Lanes, step: Step, id: usize) {
        match step {
            Step::Push(url, seconds) => {
                if let Some(gives_way) = lanes.push(leased(&format!("u{url}"), id, seconds), NOW) {
                    assert!((LEAST_PAUSE..=MOST_PAUSE).contains(&gives_way.due_at.since(NOW)));
                    self.take(gives_way.waiting);
                }
            }
            Step::Next => {
                if let Some(next) = lanes.next_turn(NOW) {
                    self.wire.push(next.delivery.url_id.clone());
                    self.take(next);
                }
            }
            Step::Finish(which, turn) if !self.wire.is_empty() => {
                let url = self.wire.swap_remove(which % self.wire.len());
                lanes
                    .finished(&url, turn, NOW)
                    .into_iter()
                    .for_each(|gives_way| self.take(gives_way.waiting));
            }
            Step::Finish(..) => {}
            Step::Expire(seconds) => {
                let moment = Timestamp::from_seconds(seconds);
                lanes.expire(moment, NOW).into_iter().for_each(|gives_way| {
                    assert!(gives_way.waiting.leased_until < moment);
                    self.take(gives_way.waiting);
                });
            }
        }
    }
}

proptest! {
    #[test]
    fn every_delivery_comes_out_once_and_bounds_hold(steps in proptest::collection::vec(step(), 0..300)) {
        let (width, most_on_the_wire, most_waiting) = (3, 7, 12);
        let mut lanes = lanes_of(width, most_on_the_wire, most_waiting);
        let mut out = Out::default();
        let mut pushed = 0;
        for (id, step) in steps.into_iter().enumerate() {
            pushed += usize::from(matches!(step, Step::Push(..)));
            out.take_step(&mut lanes, step, id);
            prop_assert!(lanes.waiting <= most_waiting);
            prop_assert_eq!(lanes.waiting, lanes.lanes.values().map(|lane| lane.waiting.len()).sum::<usize>());
            prop_assert_eq!(lanes.on_the_wire, out.wire.len());
            prop_assert!(out.wire.len() <= most_on_the_wire);
            for (url, lane) in &lanes.lanes {
                prop_assert_eq!(lane.on_the_wire, out.wire.iter().filter(|other| *other == url).count());
                prop_assert!(lane.on_the_wire <= width);
                prop_assert!(!lane.may_send(NOW, true) || lane.in_row, "a lane that may send waits for nothing");
                prop_assert_eq!(usize::from(lane.in_row), lanes.row.iter().filter(|other| *other == url).count());
            }
        }
        // Once the wire is free, all that waits gets its turn.
        for url in std::mem::take(&mut out.wire) {
            prop_assert!(lanes.finished(&url, QUICK, NOW).is_empty(), "an answer breaks nothing");
        }
        while let Some(next) = lanes.next_turn(NOW) {
            lanes.finished(&next.delivery.url_id, QUICK, NOW);
            out.take(next);
        }
        prop_assert_eq!(out.ids.len(), pushed);
        prop_assert_eq!((lanes.waiting, lanes.on_the_wire), (0, 0));
        prop_assert!(lanes.drain().is_empty());
    }

    #[test]
    fn the_count_of_what_is_held_is_right(fates in proptest::collection::vec(any::<bool>(), 0..50)) {
        let count = Arc::new(AtomicUsize::new(0));
        let mut holds: Vec<_> = fates.iter().map(|_| Hold::new(&count)).collect();
        prop_assert_eq!(count.load(Ordering::Relaxed), fates.len());
        let mut fate = fates.iter();
        holds.retain(|_| fate.next().is_some_and(|kept| *kept));
        prop_assert_eq!(count.load(Ordering::Relaxed), holds.len());
    }
}

#[test]
fn a_url_that_was_just_enabled_begins_with_one_and_slowly() {
    let mut lanes = lanes_of(16, 100, 100);
    lanes.no_room.break_circuit("a", Broken { since: NOW, probe_at: NOW });
    let gives_way: Vec<_> = (0..9).filter_map(|id| lanes.push(waiting("a", id), NOW)).collect();
    assert_eq!((gives_way.len(), urls(&mut lanes, 9).len()), (8, 1));
    assert!(gives_way.iter().all(|one| one.due_at >= NOW.plus(PROBE_PAUSE)));
    lanes.finished("a", QUICK, NOW);
    assert_eq!(lanes.no_room.broken("a"), None);
    assert!((0..9).all(|id| lanes.push(waiting("a", id), NOW).is_none()));
    assert_eq!(urls(&mut lanes, 9).len(), 1);
    lanes.finished("a", QUICK, NOW);
    assert_eq!(urls(&mut lanes, 9).len(), 2);
}
