//! The matching core: order books and account risk as a fold over events.
//!
//! [`Engine::apply`] decides a command and appends events; [`Engine::evolve`] rebuilds the same state from them.
//! There is no clock, no randomness, no I/O and no floating point in here.

#![forbid(unsafe_code)]
// Casts between integers of known range are everywhere in packed records; each is bounded where it stands.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]

pub mod account;
mod attributes;
pub mod auction;
pub mod batch;
pub mod book;
pub mod catalog;
pub mod command;
pub mod event;
pub mod facts;
pub mod fees;
pub mod id;
pub mod ladder;
pub mod limit;
pub mod market;
pub mod number;
/// An order book on its own.
pub mod order_book;
pub mod order_index;
mod peg;
pub mod snapshot;
pub mod vocabulary;

/// The examples of BOOK.md run as tests.
#[cfg(doctest)]
#[doc = include_str!("../BOOK.md")]
struct BookPage;

mod engine;
mod page;
mod table;
mod timer;
mod trigger;
pub use engine::{Engine, LogNumberTooLarge, Misfit};
