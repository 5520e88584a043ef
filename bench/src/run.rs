//! Rounds in which product and limit take turns.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, sleep};

use crate::figure::Figure;
use crate::limit::{self, Errand};
use crate::load::{Call, Load};
use crate::machine::Pinning;
use crate::process::{Process, free_address};
use crate::product::{Product, WRITTEN, Watch};
use crate::receiver::{Manner, Receiver};
use crate::rows::{Row, Work};
use crate::wire;

/// How many rounds, and how long each part of one takes.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    rounds: usize,
    part: Duration,
}

impl Pace {
    pub(crate) const FULL: Self = Self { rounds: 15, part: Duration::from_secs(1) };
    pub(crate) const QUICK: Self = Self { rounds: 3, part: Duration::from_millis(500) };
}

/// The rounds of one row.
pub(crate) struct Outcome {
    pub(crate) row: &'static Row,
    /// Product and limit of each round.
    pub(crate) rounds: Vec<(Figure, Figure)>,
}

/// A run of the bench, with a folder for all that its servers store.
pub(crate) struct Run {
    pinning: Pinning,
    pace: Pace,
    folder: PathBuf,
}

impl Run {
    pub(crate) fn new(pinning: Pinning, pace: Pace) -> Result<Self> {
        // Beside the binary and not in the folder for temporary files, which may be memory: that would sync for nothing.
        let folder = std::env::current_exe()?.with_file_name(format!("bench-data-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self { pinning, pace, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Measures one row, each round the product and then its limit; a first round warms both up and is not kept.
    pub(crate) async fn row(&self, row: &'static Row) -> Result<Outcome> {
        let manner = if matches!(row.work, Work::Delivered { .. }) { Manner::Answers } else { Manner::Holds };
        let receiver = Receiver::start(manner).await?;
        let extent = (row.work.workspaces(), row.work.urls());
        let data = self.folder.join(row.name);
        let product = Product::start(self.pinning, data.clone(), extent, receiver.address).await?;
        let (calls, texts) = calls(row.work, &product).await?;
        let product = ProductSide {
            load: Load::new(product.process.address, calls),
            watch: (manner == Manner::Answers).then(|| product.watch()).transpose()?,
            product,
            receiver,
        };
        product.settle(texts.len()).await?;
        let limit = self.limit(row.work, &product, &data, &texts).await?;
        let mut rounds = Vec::with_capacity(self.pace.rounds);
        for round in 0..=self.pace.rounds {
            let figures = (product.measure(self.pace.part).await?, limit.measure().await?);
            if round > 0 {
                rounds.push(figures);
            }
        }
        Ok(Outcome { row, rounds })
    }

    async fn limit(
        &self,
        work: Work,
        product: &ProductSide,
        data: &Path,
        texts: &[String],
    ) -> Result<LimitSide> {
        // The limit's own receiver answers, whatever the product's does.
        let receiver = Receiver::start(Manner::Answers).await?;
        fs::write(data.join(limit::TEXTS), serde_json::to_string(texts)?)?;
        let address = free_address()?;
        let mut command = self.pinning.command(&std::env::current_exe()?);
        command.arg("limit").arg(address.to_string()).arg(data).arg(receiver.address.to_string());
        let process = Process::start(command, address).await?;
        let calls = match work {
            Work::Token => vec![Call { request: product.product.token_request(limit::MINT), status: 200 }],
            Work::GatedRead | Work::Refused => (0..texts.len()).map(bytes_call).collect(),
            Work::Write { .. } | Work::Delivered { .. } => {
                let headers = [("content-type", "application/json")];
                vec![Call { request: wire::request("POST", limit::POST, &headers, &body()), status: WRITTEN }]
            }
        };
        let part = self.pace.part;
        Ok(LimitSide {
            load: Load::new(address, calls),
            errands: errands(work, part),
            part,
            process,
            _receiver: receiver,
        })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // What stays behind is in the build folder, and says in its name what it is.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// What a client writes: 1 KiB as it is stored.
fn body() -> String {
    format!(r#"{{"title":"A task of the bench","descriptionText":"{}"}}"#, "lorem ip".repeat(95))
}

/// The product's requests, and the texts that it answers them with.
async fn calls(work: Work, product: &Product) -> Result<(Vec<Call>, Vec<String>)> {
    let small = r#"{"title":"A task of the bench"}"#;
    let calls = match work {
        Work::Token => vec![Call { request: product.token_request("/oauth/token"), status: 200 }],
        Work::GatedRead => {
            let (id, _) = product.make(small).await?;
            vec![Call { request: product.read_request(&id), status: 200 }]
        }
        Work::Refused => {
            let (id, _) = product.make(small).await?;
            vec![
                Call { request: product.bad_token_request(&id), status: 401 },
                Call { request: product.wrong_workspace_request(&id), status: 400 },
            ]
        }
        Work::Write { .. } | Work::Delivered { .. } => {
            let write = |workspace: &String| product.write_request(workspace, &body());
            product
                .workspaces
                .iter()
                .map(|workspace| Call { request: write(workspace), status: WRITTEN })
                .collect()
        }
    };
    let mut texts = Vec::new();
    // Those of many workspaces are alike.
    for call in calls.iter().take(2) {
        texts.push(wire::ask(product.process.address, &call.request, call.status).await?);
    }
    Ok((calls, texts))
}

fn bytes_call(number: usize) -> Call {
    Call { request: wire::request("GET", &format!("{}/{number}", limit::BYTES), &[], ""), status: 200 }
}

/// What the limit does besides answering requests.
fn errands(work: Work, part: Duration) -> Vec<String> {
    let millis = u64::try_from(part.as_millis()).unwrap_or(u64::MAX);
    let errand = Errand { millis, workspaces: work.workspaces(), urls: work.urls(), recorded: false };
    match work {
        Work::Token | Work::GatedRead | Work::Refused => Vec::new(),
        Work::Write { .. } => vec![errand.path(limit::ROWS)],
        Work::Delivered { .. } => {
            vec![Errand { recorded: true, ..errand }.path(limit::ROWS), errand.path(limit::POSTS)]
        }
    }
}

/// The product with its load.
struct ProductSide {
    product: Product,
    load: Load,
    receiver: Receiver,
    /// For rows that end with the record of a delivery.
    watch: Option<Watch>,
}

impl ProductSide {
    async fn measure(&self, part: Duration) -> Result<Figure> {
        let before = self.receiver.taken();
        self.product
            .process
            .measure(async {
                let answered = self.load.run(part).await?;
                match &self.watch {
                    None => Ok(answered),
                    Some(watch) => self.delivered(watch, before, answered).await,
                }
            })
            .await
    }

    /// Has what was written on the way here out of the way: `writes` of them.
    async fn settle(&self, writes: usize) -> Result<()> {
        if let Some(watch) = &self.watch {
            self.delivered(watch, 0, writes as u64).await?;
        }
        Ok(())
    }

    /// Waits until every write that was answered has arrived at the receiver and is recorded, and tells the receiver's
    /// count.
    async fn delivered(&self, watch: &Watch, before: u64, answered: u64) -> Result<u64> {
        const WITHIN: Duration = Duration::from_secs(60);
        let begun = Instant::now();
        while self.receiver.taken() - before < answered || !watch.all_recorded().await? {
            ensure!(begun.elapsed() < WITHIN, "not all of {answered} deliveries were recorded in time");
            sleep(Duration::from_millis(1)).await;
        }
        let taken = self.receiver.taken() - before;
        ensure!(taken == answered, "{answered} writes were answered, but the receiver counts {taken}");
        Ok(taken)
    }
}

/// The limit with its load.
struct LimitSide {
    process: Process,
    load: Load,
    /// Further parts, done by the server itself.
    errands: Vec<String>,
    part: Duration,
    _receiver: Receiver,
}

impl LimitSide {
    /// The parts one after the other, as if one operation did them all.
    async fn measure(&self) -> Result<Figure> {
        let mut whole = self.process.measure(self.load.run(self.part)).await?;
        for errand in &self.errands {
            whole = whole.then(self.process.measure(self.run(errand)).await?);
        }
        Ok(whole)
    }

    async fn run(&self, errand: &str) -> Result<u64> {
        let done = wire::ask(self.process.address, &wire::request("GET", errand, &[], ""), 200).await?;
        done.parse().with_context(|| format!("{errand} answered {done}"))
    }
}
