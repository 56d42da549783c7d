//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// A self-hosted gateway: OpenAI clients on one side, the Cursor backend on the other.
#[derive(Debug, Parser)]
#[command(name = "cursor-api", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway with your accounts.
    ///
    /// Needs a key for clients (AUTH_TOKEN) and accounts (CURSOR_ACCOUNTS='alias=credential,…'), or
    /// both in the settings file. docs/configuration.md lists all settings.
    Serve(ServeArgs),
    /// Run gateway and simulated backend together, with a key that is ready to use.
    Demo(DemoArgs),
    /// Run the simulated backend alone.
    Simulate(SimulateArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Settings file; config.toml in the current folder is read when it is there.
    #[arg(long, env = "CURSOR_API_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on (setting `host`).
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<String>,
    /// Port to listen on (setting `port`).
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Where the gateway listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,
    /// The key that clients send; a random one when not given.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// The protocol between gateway and simulated backend.
    #[arg(long, default_value = "agent")]
    pub(crate) flow: FlowArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlowArg {
    Agent,
    Chat,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// Where the simulated backend listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3010", value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,
    /// Speak TLS with a certificate made for this run, and write its authority here.
    #[arg(long, value_name = "CA_FILE")]
    pub(crate) tls: Option<PathBuf>,
}
