//! A connection that is cut while PostgreSQL commits: nobody knows what came of it, and nobody is told otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use gatepost_store::{Change, Location, PostgresUrl, Store, StoreError, StoreOptions, params};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use crate::postgres;
use crate::support::{MIGRATIONS, PUT, get, one_writer, put};

const PATIENCE: Duration = Duration::from_secs(60);

/// Where the next connection that commits is cut, if it is.
#[derive(Default)]
struct Cut(AtomicU8);

impl Cut {
    const BEFORE: u8 = 1;
    const AFTER: u8 = 2;
    /// The answer is replaced by that of a server that finds no room for its log.
    const PANIC: u8 = 3;

    fn arm(&self, place: u8) {
        self.0.store(place, Ordering::SeqCst);
    }

    /// Where to cut now that this is on its way.
    fn take(&self, bytes: &[u8]) -> u8 {
        if commits(bytes) { self.0.swap(0, Ordering::SeqCst) } else { 0 }
    }
}

/// Whether this asks for a commit, or says that it was done.
fn commits(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|word| word == b"COMMIT")
}

/// Passes connections on to `server` until one is cut.
async fn proxy(server: String, cut: Arc<Cut>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::runtime::Handle::current().spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, cut) = (server.clone(), Arc::clone(&cut));
            tokio::runtime::Handle::current().spawn(async move {
                if let Ok(server) = TcpStream::connect(server).await {
                    // A connection that ends is what this is for.
                    let _ = pass_on(client, server, &cut).await;
                }
            });
        }
    });
    port
}

/// The answers, but in the place of the commit's what PostgreSQL says when it finds no room for its log: then it dies, and
/// may find the commit in its log when it is started again.
fn panicking(answers: &[u8]) -> Vec<u8> {
    // Before the word are the message's kind and length.
    let done = answers.windows(6).position(|word| word == b"COMMIT").unwrap() - 5;
    let fields = b"SPANIC\0VPANIC\0C53100\0Mcould not write to file: No space left on device\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    [&answers[..done], b"E", &length, fields].concat()
}

async fn pass_on(client: TcpStream, server: TcpStream, cut: &Cut) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = from_client.read(&mut asked) => {
                let bytes = &asked[..read?];
                let cut = cut.take(bytes);
                if bytes.is_empty() || cut == Cut::BEFORE {
                    return Ok(());
                }
                to_server.write_all(bytes).await?;
                if cut != 0 {
                    // Its answer comes, and is not passed on.
                    let mut kept = Vec::new();
                    while !commits(&kept) && from_server.read_buf(&mut kept).await? > 0 {}
                    if cut == Cut::PANIC {
                        to_client.write_all(&panicking(&kept)).await?;
                    }
                    return Ok(());
                }
            }
            read = from_server.read(&mut answered) => {
                let bytes = &answered[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                to_client.write_all(bytes).await?;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_is_answered_as_uncertain_and_told_if_it_was_done() {
    let Some(server) = postgres::shared() else { return };
    let direct = server.schema();
    let address = direct.split(['@', '/']).nth(3).unwrap().to_owned();
    let cut = Arc::new(Cut::default());
    let port = proxy(address.clone(), Arc::clone(&cut)).await;
    let location =
        Location::Postgres(PostgresUrl::new(direct.replace(&address, &format!("127.0.0.1:{port}"))));
    let options = StoreOptions { migrations: MIGRATIONS, ..one_writer() };
    let store = tokio::task::block_in_place(|| Store::open(&location, options)).unwrap();
    store.migrate().await.unwrap();
    let (tell, mut told) = unbounded_channel();
    store.subscribe(move |changes| changes.iter().cloned().for_each(|change| drop(tell.send(change))));
    for (place, name, expected) in
        [(Cut::BEFORE, "before", None), (Cut::AFTER, "after", Some(1)), (Cut::PANIC, "panic", Some(1))]
    {
        put(&store, format!("{name} it"), 1).await.unwrap();
        cut.arm(place);
        let answer = store
            .write(move |tx| {
                tx.announce(Change::WebhookUrl(name.to_owned()));
                tx.exec_later(&PUT, params![name, 1])
            })
            .await;
        assert_eq!(answer, Err(StoreError::Uncertain));
        assert!(StoreError::Uncertain.is_transient());
        // The connection is made again, and what was done stays done.
        put(&store, format!("{name} that"), 1).await.unwrap();
        assert_eq!(get(&store, name).await, expected);
    }
    for name in ["after", "panic"] {
        let heard = timeout(PATIENCE, told.recv()).await.unwrap();
        assert_eq!(heard, Some(Change::WebhookUrl(name.to_owned())));
    }
}
