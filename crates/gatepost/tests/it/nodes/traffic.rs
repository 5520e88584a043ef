//! Tools that write and read at random nodes, never stop because one fails, and remember what they were promised.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatepost_model::{Random, SeededRandom};
use gatepost_testkit::{Answer, Api};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::pace::lasts;

const TASKS: &str = "/v1.11/tasks";
/// A tool that hears nothing for so long asks another node.
const PATIENCE: Duration = Duration::from_secs(2);
/// It does not hammer a node that is down.
const PAUSE: Duration = Duration::from_millis(10);

/// A workspace, and a tool for each node that acts in it.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) workspace: String,
    pub(super) tools: Vec<Api>,
    /// The same tools, which try to act in a workspace that their client is not enabled for.
    pub(super) intruders: Vec<Api>,
}

/// What the tools are told, and what they tell.
pub(super) struct Desk {
    pub(super) stop: CancellationToken,
    /// Writes that were answered with 200.
    pub(super) answered: watch::Sender<usize>,
    /// A record of each workspace.
    records: Mutex<HashMap<String, String>>,
}

/// What a tool did.
#[derive(Debug, Default)]
pub(super) struct Diary {
    /// Title and id of each write that was answered with 200.
    pub(super) answered: Vec<(String, String)>,
    /// Titles of writes that were answered as not done.
    pub(super) refused: Vec<String>,
    /// Titles of writes of which nobody knows: no answer, or one that says so.
    pub(super) unknown: Vec<String>,
    /// Reads that were answered, and found to hold what they must and nothing of another workspace.
    pub(super) reads: usize,
    /// Requests for what is another workspace's: all were refused.
    pub(super) intrusions: usize,
}

impl Desk {
    /// Sets so many tools to work in each place.
    pub(super) fn employ(tools: usize, places: &[Place]) -> (Arc<Self>, JoinSet<Diary>) {
        let desk = Arc::new(Self {
            stop: CancellationToken::new(),
            answered: watch::Sender::new(0),
            records: Mutex::default(),
        });
        let mut all = JoinSet::new();
        for number in 0..tools {
            for place in places {
                let place = Place {
                    tools: place.tools.iter().map(Api::apart).collect(),
                    intruders: place.intruders.iter().map(Api::apart).collect(),
                    workspace: place.workspace.clone(),
                };
                all.spawn(work(Arc::clone(&desk), place, number));
            }
        }
        (desk, all)
    }

    /// Leaves a record for others, and gives one of another workspace.
    fn exchange(&self, workspace: &str, own: Option<&(String, String)>) -> Option<String> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.extend(own.map(|(_, id)| (workspace.to_owned(), id.clone())));
        records.iter().find(|(other, _)| *other != workspace).map(|(_, id)| id.clone())
    }
}

async fn work(desk: Arc<Desk>, place: Place, number: usize) -> Diary {
    let random = SeededRandom::new(u64::try_from(number).unwrap());
    let mut diary = Diary::default();
    for sequence in 0.. {
        if desk.stop.is_cancelled() {
            break;
        }
        let title = format!("{} tool {number} write {sequence}", place.workspace);
        let body = json!({ "title": title, "descriptionHTML": "x".repeat(sequence % 300) });
        let answer = ask(pick(&place.tools, &random), "POST", TASKS, Some(&body)).await;
        let failed = answer.as_ref().is_none_or(|answer| answer.status != 200);
        diary.note(title, answer);
        if failed {
            lasts(PAUSE).await;
            continue;
        }
        desk.answered.send_modify(|count| *count += 1);
        let foreign = desk.exchange(&place.workspace, diary.answered.last());
        match sequence % 4 {
            0 => diary.read_back(&place, &random).await,
            1 => diary.list(&place, &random).await,
            2 => diary.intrude(&place, &random, foreign).await,
            _ => {}
        }
    }
    diary
}

fn pick<'a>(tools: &'a [Api], random: &SeededRandom) -> &'a Api {
    let place = random.next_u64() % u64::try_from(tools.len()).unwrap();
    &tools[usize::try_from(place).unwrap()]
}

/// None if there was no answer in time.
async fn ask(tool: &Api, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
    timeout(PATIENCE, tool.try_call(method, path, body)).await.ok()?.ok()
}

/// An answer, unless there was none or the node could not give one just now.
async fn read(tool: &Api, path: &str) -> Option<Answer> {
    let answer = ask(tool, "GET", path, None).await.filter(|answer| answer.status != 503);
    if answer.is_none() {
        lasts(PAUSE).await;
    }
    answer
}

impl Diary {
    fn note(&mut self, title: String, answer: Option<Answer>) {
        let Some(answer) = answer else { return self.unknown.push(title) };
        let said = answer.json();
        match (answer.status, said["name"].as_str()) {
            (200, _) => {
                assert_eq!(said["title"], json!(title));
                self.answered.push((title, said["_id"].as_str().unwrap().to_owned()));
            }
            (503, Some("unavailable")) => {
                assert_eq!(answer.header("retry-after"), "1");
                self.refused.push(title);
            }
            (503, Some("uncertain")) => self.unknown.push(title),
            (status, _) => panic!("{status}: {said}"),
        }
    }

    /// What was answered as done is there, on every node.
    async fn read_back(&mut self, place: &Place, random: &SeededRandom) {
        let Some((title, id)) = self.answered.last() else { return };
        let Some(answer) = read(pick(&place.tools, random), &format!("{TASKS}/{id}")).await else { return };
        assert_eq!(answer.expect(200).json()["title"], json!(title));
        self.reads += 1;
    }

    /// A list holds nothing of another workspace.
    async fn list(&mut self, place: &Place, random: &SeededRandom) {
        let path = format!("{TASKS}?sort=-_id&limit=20");
        let Some(answer) = read(pick(&place.tools, random), &path).await else { return };
        let listed = answer.expect(200).json();
        for record in listed.as_array().unwrap() {
            let title = record["title"].as_str().unwrap();
            assert!(title.starts_with(&format!("{} ", place.workspace)), "{} got {record}", place.workspace);
        }
        self.reads += 1;
    }

    /// What is another workspace's is not to be had, by its id or by naming its workspace.
    async fn intrude(&mut self, place: &Place, random: &SeededRandom, foreign: Option<String>) {
        if let Some(id) = foreign
            && let Some(answer) = read(pick(&place.tools, random), &format!("{TASKS}/{id}")).await
        {
            assert_eq!(answer.status, 404, "{}", answer.text());
            self.intrusions += 1;
        }
        if let Some(answer) = read(pick(&place.intruders, random), TASKS).await {
            assert_eq!(answer.status, 400, "{}", answer.text());
            self.intrusions += 1;
        }
    }
}
