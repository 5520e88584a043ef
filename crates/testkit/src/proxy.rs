//! A proxy in front of a server, which can do what networks do: take time, cut connections, and let them stand still.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What becomes of bytes and connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// They pass.
    Flows,
    /// Nothing passes, and nobody is told: connections stay open, new ones are taken and lead nowhere yet.
    Stalls,
    /// Connections are closed, new ones as soon as they are made.
    Refused,
}

/// A proxy on a port of its own, gone when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    traffic: watch::Sender<State>,
    stop: CancellationToken,
}

#[derive(Clone, Copy, Debug)]
struct State {
    traffic: Traffic,
    /// How long bytes are on their way.
    delay: Duration,
    /// Connections that were made before the last cut are to be closed.
    cuts: u64,
}

impl Proxy {
    /// Starts one in front of `server`.
    ///
    /// # Panics
    /// If there is no free port.
    #[expect(clippy::expect_used, reason = "a test without its proxy cannot go on")]
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port for the proxy");
        let address = listener.local_addr().expect("the proxy's address");
        let open = State { traffic: Traffic::Flows, delay: Duration::ZERO, cuts: 0 };
        let (traffic, stop, tasks) = (watch::Sender::new(open), CancellationToken::new(), TaskTracker::new());
        let accepting = accept(listener, server, traffic.subscribe(), tasks.clone());
        let stopped = stop.clone();
        tasks.spawn(async move { stopped.run_until_cancelled(accepting).await });
        Self { address, traffic, stop }
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Decides about everything that passes from now on.
    pub fn set(&self, traffic: Traffic) {
        self.traffic.send_modify(|state| state.traffic = traffic);
    }

    /// Has bytes take so long from now on, in each direction.
    pub fn delay(&self, each_way: Duration) {
        self.traffic.send_modify(|state| state.delay = each_way);
    }

    /// Closes every connection; new ones may be made.
    pub fn cut(&self) {
        self.traffic.send_modify(|state| state.cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    traffic: watch::Receiver<State>,
    tasks: TaskTracker,
) {
    while let Ok((client, _)) = listener.accept().await {
        let traffic = traffic.clone();
        // A connection that breaks is what this is for.
        tasks.spawn(async move { drop(pass(client, server, traffic).await) });
    }
}

async fn pass(client: TcpStream, server: SocketAddr, traffic: watch::Receiver<State>) -> io::Result<()> {
    let (mut watched, made) = (traffic.clone(), traffic.borrow().cuts);
    let passing = async {
        flows(&mut traffic.clone()).await;
        let server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::try_join!(
            copy(from_client, to_server, traffic.clone()),
            copy(from_server, to_client, traffic.clone())
        )
    };
    tokio::select! {
        biased;
        () = ended(&mut watched, made) => Ok(()),
        passed = passing => passed.map(drop),
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut traffic: watch::Receiver<State>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        flows(&mut traffic).await;
        let delay = traffic.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        match buffer.get(..read) {
            None | Some([]) => return to.shutdown().await,
            Some(bytes) => to.write_all(bytes).await?,
        }
    }
}

async fn flows(traffic: &mut watch::Receiver<State>) {
    // Without a proxy there is nobody left to say otherwise.
    let _ = traffic.wait_for(|state| state.traffic == Traffic::Flows).await;
}

/// Waits until a connection that was made after so many cuts has to be closed.
async fn ended(traffic: &mut watch::Receiver<State>, made: u64) {
    let _ = traffic.wait_for(|state| state.cuts > made || state.traffic == Traffic::Refused).await;
}
