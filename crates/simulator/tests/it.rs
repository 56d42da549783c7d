//! The simulator as a client sees it, over real sockets.
//!
//! The client is hand-rolled on hyper: golden frames go out as bytes, answers are decoded from
//! bytes. It shares no code with the simulator.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "it/account_login.rs"]
mod account_login;
#[path = "it/account_messages.rs"]
mod account_messages;
#[path = "it/account_rest.rs"]
mod account_rest;
#[path = "it/accounts.rs"]
mod accounts;
#[path = "it/agent.rs"]
mod agent;
#[path = "it/agent_client.rs"]
mod agent_client;
#[path = "it/agent_protocol.rs"]
mod agent_protocol;
#[path = "it/chat.rs"]
mod chat;
#[path = "it/chat_client.rs"]
mod chat_client;
#[path = "it/client.rs"]
mod client;
#[path = "it/completion.rs"]
mod completion;
#[path = "it/completion_client.rs"]
mod completion_client;
#[path = "it/completion_faults.rs"]
mod completion_faults;
#[path = "it/connections.rs"]
mod connections;
#[path = "it/faults.rs"]
mod faults;
#[path = "it/filesync.rs"]
mod filesync;
#[path = "it/filesync_client.rs"]
mod filesync_client;
#[path = "it/rest_client.rs"]
mod rest_client;
#[path = "it/unary.rs"]
mod unary;
