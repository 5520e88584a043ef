//! `gatepost serve`

use anyhow::Context;
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::output::Output;
use crate::config::{Config, Inputs};
use crate::data_folder::DataFolder;
use crate::deployment::{Sources, absolute};
use crate::serve::{Running, serve};

/// Run the server.
///
/// The first start makes the data folder with its database and keys. SIGINT or SIGTERM stops it: requests and webhooks
/// under way may end.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  gatepost serve\n  gatepost serve --data /var/lib/gatepost --listen 0.0.0.0:8080 --config /etc/gatepost.toml"
)]
pub(super) struct ServeCommand {
    /// Address and port to listen on [default: server.listen of the configuration].
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// If it cannot start.
pub(super) async fn run(config: &Config, inputs: &Inputs, output: Output) -> anyhow::Result<()> {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let folder = DataFolder::create(&inputs.data)?;
    let listen = config.server.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen} (choose another address with --listen)"))?;
    // Before the start is announced: whoever reads that may send a signal at once.
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut stopped = async || tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} };
    let running = tokio::select! {
        running = serve(config, &folder, Sources::of_the_machine(), listener) => running?,
        () = stopped() => {
            tracing::info!("stopped before it was started");
            return Ok(());
        }
    };
    announce(&running, &folder, output);
    stopped().await;
    tracing::info!("stopping; a second signal stops at once");
    tokio::select! {
        () = running.shutdown() => tracing::info!("stopped"),
        () = stopped() => tracing::warn!("stopped at once"),
    }
    Ok(())
}

/// Says where to go next. A server whose stdout is closed runs all the same.
fn announce(running: &Running, folder: &DataFolder, output: Output) {
    let url = format!("http://{}", running.address());
    let data = absolute(folder.path());
    let link = running.set_up_link();
    let address = running.address().to_string();
    let announcement = json!({ "url": url, "address": address, "data": data, "setUpUrl": link });
    let printed = output.print(&announcement, |_| welcome(&url, &data, link));
    if let Err(error) = printed {
        tracing::debug!(%error, "the welcome could not be printed");
    }
    tracing::info!(address = %running.address(), data, "listening");
}

fn welcome(url: &str, data: &str, set_up_link: Option<&str>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let manager = match set_up_link {
        Some(link) => {
            format!("Nobody can sign in yet. Open this link within a day; it works once:\n  {link}")
        }
        None => format!("The API manager is at {url}{}", gatepost_ui::BASE),
    };
    format!(
        "Gatepost {version} listens on {url}\n\
         Its data is in {data}. Back up keys.toml apart from the database.\n\
         {manager}\n\
         To begin, in another terminal:\n  \
         gatepost workspace create my-shop --data {data}\n  \
         gatepost client create --name \"My tool\" --workspace my-shop --data {data}"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_welcome_is_short() {
        assert!(super::welcome("http://127.0.0.1:8080", "/data", Some("link")).lines().count() <= 8);
    }
}
