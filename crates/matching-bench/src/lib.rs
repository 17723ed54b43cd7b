//! Conformance and speed of the matching core's book.
//!
//! The public benchmark's messages go through an [`adapter`] into the book that the engine and the wheel use, and its
//! reports come out; everything else here makes messages, compares reports or takes times.

#![forbid(unsafe_code)]
// Ids and counts of a benchmark are far below the bounds of what they are cast to; each is checked where it is read.
#![allow(clippy::cast_possible_truncation)]

pub mod adapter;
pub mod command_line;
pub mod conformance;
pub mod edge_cases;
pub mod engine_speed;
pub mod generator;
pub mod handoff;
pub mod log_row;
pub mod memory;
pub mod message;
pub mod mix;
pub mod report;
pub mod rival;
pub mod snapshot_speed;
pub mod speed;
pub mod venue;
