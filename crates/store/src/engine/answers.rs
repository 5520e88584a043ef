//! How a group's answers reach their callers.
//!
//! A send from a foreign thread wakes the runtime once for each caller. So the answers of a group go as one
//! message to a task inside the runtime of their callers, which hands them out there. Nothing hangs on that
//! task: [`Answers`] are given when they are dropped, so if the runtime, its task or the channel is gone,
//! whoever drops the message answers.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{self, Handle};
use tokio::sync::mpsc;

use super::job::Job;
use crate::error::StoreError;

/// Closures that wait for their answer, and the answer to all of them. Dropping it answers.
pub(super) struct Answers {
    pub(super) jobs: Vec<Box<dyn Job>>,
    pub(super) committed: Result<(), StoreError>,
}

impl Drop for Answers {
    fn drop(&mut self) {
        for job in self.jobs.drain(..) {
            job.answer(self.committed.clone());
        }
    }
}

/// The way to the answering task of one runtime.
#[derive(Clone)]
pub(super) struct Answerer {
    runtime: runtime::Id,
    task: mpsc::UnboundedSender<Answers>,
}

/// The answering tasks, one for each runtime that writes. There is hardly ever more than one.
#[derive(Default)]
pub(super) struct Answerers(Mutex<Vec<Answerer>>);

impl Answerers {
    /// The answerer of the runtime that runs the caller; none outside of runtimes.
    pub(super) fn current(&self) -> Option<Answerer> {
        let handle = Handle::try_current().ok()?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answerer) = known.iter().find(|answerer| answerer.runtime == handle.id()) {
            return Some(answerer.clone());
        }
        known.retain(|answerer| !answerer.task.is_closed());
        let (task, mut messages) = mpsc::unbounded_channel::<Answers>();
        handle.spawn(async move { while messages.recv().await.is_some() {} });
        let answerer = Answerer { runtime: handle.id(), task };
        known.push(answerer.clone());
        Some(answerer)
    }
}

/// Answers a whole group.
pub(super) fn answer(members: Vec<(Box<dyn Job>, Option<Answerer>)>, committed: &Result<(), StoreError>) {
    let mut bundles: Vec<(Option<Answerer>, Answers)> = Vec::with_capacity(1);
    for (job, answerer) in members {
        let runtime = answerer.as_ref().map(|answerer| answerer.runtime);
        let bundle =
            bundles.iter_mut().find(|(known, _)| known.as_ref().map(|known| known.runtime) == runtime);
        match bundle {
            Some((_, answers)) => answers.jobs.push(job),
            None => bundles.push((answerer, Answers { jobs: vec![job], committed: committed.clone() })),
        }
    }
    for (answerer, answers) in bundles {
        // One answer is one wake-up either way, and the direct one is the shorter.
        if let Some(answerer) = answerer.filter(|_| answers.jobs.len() > 1) {
            // A message that comes back is dropped, and so answers.
            let _ = answerer.task.send(answers);
        }
    }
}
