//! A server under measurement: a process of its own, whose processor time is read from outside.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::figure::Figure;
use crate::machine;

/// How long a server may take until it listens.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// A server that runs until it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts a server that will listen on `address`, and waits until it does.
    pub(crate) async fn start(mut command: Command, address: SocketAddr) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("{command:?} cannot be started"))?;
        let mut process = Self { child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = process.child.try_wait()? {
                bail!("{command:?} ended with {status}");
            }
            if begun.elapsed() > STARTS_WITHIN {
                bail!("{command:?} does not listen on {address}");
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(process)
    }

    /// Measures `work`, which says how many operations it had this server do.
    pub(crate) async fn measure(&self, work: impl Future<Output = Result<u64>>) -> Result<Figure> {
        let (cpu, begun) = (machine::cpu_time(self.child.id()), Instant::now());
        let operations = work.await?;
        let took = begun.elapsed();
        Ok(Figure::new(operations, took, machine::cpu_time(self.child.id()) - cpu))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It holds nothing that is worth an orderly end. An error means that it has ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An address that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
