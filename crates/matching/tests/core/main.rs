//! The matching core from outside: against an oracle, by tables of rules, and with bytes that nobody should send.

#![allow(missing_docs, clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]

mod auctions;
mod commands;
mod connection;
mod extremes;
mod fees;
mod huge_auctions;
mod limits;
mod mass;
mod on_entry;
mod order_states;
mod parts;
mod pegs;
mod random;
mod records;
mod reference;
mod replay;
mod rules;
mod snapshots;
mod stops;
mod story;
mod timers;
