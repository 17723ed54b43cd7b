//! The book and its order concepts, against a naive book and in tables.

// Random numbers below small bounds become indices and owners.
#![allow(clippy::cast_possible_truncation)]

mod naive;
mod order_book;
mod random;
mod rules;
