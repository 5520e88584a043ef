//! Writers that never stop because a server dies under them, and remember what they were promised.

use std::sync::Arc;

use gatepost_testkit::{Answer, Api};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

const TASKS: &str = "/v1.11/tasks";

/// What a writer knows of one of its records.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// Its id.
    pub(super) id: String,
    /// Every title that was answered with 200, in order.
    pub(super) answered: Vec<String>,
    /// The title that got no answer, if the last one did not. The writer left the record alone then.
    pub(super) unanswered: Option<String>,
}

/// What a writer did.
#[derive(Debug, Default)]
pub(super) struct Diary {
    /// Its records.
    pub(super) written: Vec<Written>,
    /// Titles of records whose creation got no answer.
    pub(super) unanswered: Vec<String>,
    /// How many requests were answered as failed. Nobody knows what became of them, as if they had got no answer.
    pub(super) failed: usize,
}

/// What the writers are told and what they tell.
pub(super) struct Desk {
    /// How often a server was started; none when it is time to stop.
    pub(super) life: watch::Sender<Option<u32>>,
    /// Requests that were begun.
    pub(super) asked: watch::Sender<usize>,
    /// Requests that were answered with 200.
    pub(super) answered: watch::Sender<usize>,
}

impl Desk {
    /// A desk for writers of the server's first life.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            life: watch::Sender::new(Some(0)),
            asked: watch::Sender::new(0),
            answered: watch::Sender::new(0),
        })
    }

    /// Sets so many writers to work.
    pub(super) fn employ(self: &Arc<Self>, writers: usize, api: &Api) -> JoinSet<Diary> {
        let mut all = JoinSet::new();
        for number in 0..writers {
            all.spawn(work(Arc::clone(self), api.apart(), number));
        }
        all
    }
}

/// Creates records and edits each a few times, until told to stop.
async fn work(desk: Arc<Desk>, api: Api, number: usize) -> Diary {
    let mut life = desk.life.subscribe();
    let mut diary = Diary::default();
    for sequence in 0.. {
        let Some(current) = *life.borrow_and_update() else { break };
        let title = format!("writer {number} write {sequence}");
        let edited = match diary.written.last() {
            Some(last) if last.unanswered.is_none() && sequence % 4 != 0 => Some(last.id.clone()),
            _ => None,
        };
        let note = "x".repeat(sequence % 300);
        let body = match &edited {
            Some(id) => json!({ "_id": id, "title": title, "descriptionHTML": note }),
            None => json!({ "title": title, "descriptionHTML": note }),
        };
        let method = if edited.is_some() { "PUT" } else { "POST" };
        desk.asked.send_modify(|count| *count += 1);
        let answer = api.try_call(method, TASKS, Some(&body)).await;
        if answer.is_ok() {
            desk.answered.send_modify(|count| *count += 1);
        }
        let lost = answer.is_err();
        let kept = answer.ok().filter(|answer| answer.status < 500);
        diary.failed += usize::from(!lost && kept.is_none());
        diary.note(title, edited.is_some(), kept);
        if lost && life.wait_for(|now| *now != Some(current)).await.is_err() {
            break;
        }
    }
    diary
}

impl Diary {
    fn note(&mut self, title: String, edited: bool, answer: Option<Answer>) {
        let answered = answer.map(|answer| answer.expect(200).json());
        match (answered, self.written.last_mut()) {
            (Some(record), Some(last)) if edited => {
                assert_eq!((&record["_id"], &record["title"]), (&json!(last.id), &json!(title)));
                last.answered.push(title);
            }
            (Some(record), _) => {
                let id = record["_id"].as_str().map(ToOwned::to_owned).unwrap_or_default();
                assert_eq!(record["title"], json!(title));
                self.written.push(Written { id, answered: vec![title], unanswered: None });
            }
            (None, Some(last)) if edited => last.unanswered = Some(title),
            (None, _) => self.unanswered.push(title),
        }
    }
}

impl Written {
    /// Whether the record as it is now is what was promised: the last answered content, or the one after it that got no
    /// answer.
    pub(super) fn is_kept(&self, record: &Value) -> bool {
        let title = record["title"].as_str();
        title.is_some()
            && (title == self.answered.last().map(String::as_str) || title == self.unanswered.as_deref())
    }
}
