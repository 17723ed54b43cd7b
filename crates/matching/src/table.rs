//! A small open-addressed table from dense numbers (assets, instruments) to values: one look, rarely two.
//!
//! The numbers are given out one after another, so their low bits spread them; nothing depends on the places, and
//! whoever lists a table gets it in the order of the numbers. Entries are never removed.

const EMPTY: u32 = u32::MAX;
const FIRST_CAPACITY: usize = 4;

/// Values by number.
#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    entries: Vec<(u32, V)>,
    count: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { entries: Vec::new(), count: 0 }
    }
}

impl<V: Copy> Table<V> {
    /// The value of a number.
    pub(crate) fn get(&self, number: u32) -> Option<&V> {
        if self.entries.is_empty() {
            return None;
        }
        let (found, value) = &self.entries[self.place(number)];
        (*found == number).then_some(value)
    }

    /// The value of a number, made if it is not there.
    pub(crate) fn get_or_insert(&mut self, number: u32, fresh: V) -> &mut V {
        if self.entries.is_empty() || (self.count + 1) * 8 > self.entries.len() * 7 {
            self.grow(fresh);
        }
        let place = self.place(number);
        let (found, value) = &mut self.entries[place];
        if *found != number {
            (*found, *value) = (number, fresh);
            self.count += 1;
        }
        value
    }

    /// All values in the order of their numbers.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = &V> + '_ {
        let mut used: Vec<&(u32, V)> = self.entries.iter().filter(|(number, _)| *number != EMPTY).collect();
        used.sort_unstable_by_key(|(number, _)| *number);
        used.into_iter().map(|(_, value)| value)
    }

    /// Where a number is, or the empty place where it belongs; there always is one.
    fn place(&self, number: u32) -> usize {
        let mask = self.entries.len() - 1;
        let mut place = number as usize & mask;
        while self.entries[place].0 != number && self.entries[place].0 != EMPTY {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self, filler: V) {
        let capacity = (self.entries.len() * 2).max(FIRST_CAPACITY);
        let old = std::mem::replace(&mut self.entries, vec![(EMPTY, filler); capacity]);
        for (number, value) in old.into_iter().filter(|(number, _)| *number != EMPTY) {
            let place = self.place(number);
            self.entries[place] = (number, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_table_answers_as_an_ordered_map_does(numbers in prop::collection::vec(0u32..300, 0..200)) {
            let (mut table, mut map) = (Table::default(), BTreeMap::new());
            for (step, number) in (0u32..).zip(numbers) {
                *table.get_or_insert(number, 0) += step;
                *map.entry(number).or_insert(0) += step;
                prop_assert_eq!(table.get(number), map.get(&number));
                prop_assert_eq!(table.get(number + 1), map.get(&(number + 1)));
            }
            prop_assert_eq!(table.sorted().collect::<Vec<_>>(), map.values().collect::<Vec<_>>());
        }
    }
}
