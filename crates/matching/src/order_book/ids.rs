//! Where the open order of a client's id is: a table by id, since clients count; an ordered map for those who do not.

use std::collections::BTreeMap;

use crate::book::NONE;

/// Ids below this are looked up in a table: at most 64 MiB of it.
const TABLE_IDS_MAX: usize = 1 << 24;

/// Slots by order id.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    table: Vec<u32>,
    beyond: BTreeMap<u64, u32>,
}

impl Ids {
    /// An empty table with room for `ids`.
    pub fn with_room(ids: usize) -> Self {
        Self { table: vec![NONE; ids.min(TABLE_IDS_MAX)], beyond: BTreeMap::new() }
    }

    /// The slot of an id, or [`NONE`].
    #[inline]
    pub fn get(&self, id: u64) -> u32 {
        match self.table.get(id as usize) {
            Some(slot) => *slot,
            None => self.beyond(id),
        }
    }

    /// Names the slot of an id, or that it has none.
    #[inline]
    pub fn set(&mut self, id: u64, slot: u32) {
        match self.table.get_mut(id as usize) {
            Some(place) => *place = slot,
            None => self.set_beyond(id, slot),
        }
    }

    #[cold]
    fn beyond(&self, id: u64) -> u32 {
        self.beyond.get(&id).copied().unwrap_or(NONE)
    }

    #[cold]
    fn set_beyond(&mut self, id: u64, slot: u32) {
        if slot == NONE {
            self.beyond.remove(&id);
        } else if id < TABLE_IDS_MAX as u64 {
            let room = (id as usize + 1).next_power_of_two();
            self.table.resize(room, NONE);
            self.table[id as usize] = slot;
        } else {
            self.beyond.insert(id, slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_found_until_it_is_taken_out() {
        let mut ids = Ids::with_room(4);
        let known = [0, 3, 4, 1 << 23, (1 << 24) - 1, 1 << 24, u64::MAX];
        for (slot, id) in (0..).zip(known) {
            assert_eq!(ids.get(id), NONE);
            ids.set(id, slot);
        }
        for (slot, id) in (0..).zip(known) {
            assert_eq!(ids.get(id), slot);
            ids.set(id, NONE);
            assert_eq!(ids.get(id), NONE);
        }
    }
}
