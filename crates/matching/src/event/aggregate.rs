//! Streams of events.

use crate::id::EntityKind;

/// Which stream an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Order, account, instrument or asset.
    pub kind: EntityKind,
    /// Its id.
    pub id: u64,
}

impl Aggregate {
    /// The name of the aggregate's type in the envelope.
    pub const fn type_name(self) -> &'static str {
        match self.kind {
            EntityKind::Order => "Order",
            EntityKind::Account => "Account",
            EntityKind::Instrument => "Instrument",
            EntityKind::Asset => "Asset",
            EntityKind::Trade => "Trade",
        }
    }
}
