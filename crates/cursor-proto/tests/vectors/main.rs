//! Golden vectors against the generated messages.
//!
//! The vectors in `fixtures/vectors/` were made by an independent encoder. Each one is a pair of
//! wire bytes and their meaning as JSON. A test turns the JSON into bytes with a second protobuf
//! implementation, which reads our `.proto` files by itself, and demands that the generated types
//! see the same message in both. So a wrong field number, type or presence in a `.proto` file, and
//! a mistake of the code generator, both show up here.
//!
//! Every module lists the vectors of its file by name and fails when file and list differ.

#[macro_use]
mod fixture;
mod meaning;
mod messages;
mod timeline;
mod wire;

mod account_proto;
mod agent_blobs;
mod agent_client;
mod agent_http1;
mod agent_server;
mod agent_timelines;
mod chat_requests;
mod chat_responses;
mod chat_timelines;
mod connect_frames;
mod cpp;
mod errors;
mod filesync;
mod models;
