//! The book and its order concepts, against a naive book and in tables.

mod naive;
mod random;
mod rules;
