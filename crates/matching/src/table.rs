//! Values by dense numbers (assets, instruments), found in one look.
//!
//! While the numbers are close together a value lies where its number says, and nothing else is looked at. Numbers far
//! apart go into an open-addressed table with their keys beside the values, where a look is two loads at once. Nothing
//! depends on the places; whoever lists a table gets it in the order of the numbers. Entries are never removed.

const EMPTY: u32 = u32::MAX;
const FIRST_CAPACITY: usize = 4;
/// A value may lie where its number says if that leaves at most so many places for each that is used.
const PLACES_PER_VALUE: usize = 4;

/// Values by number; the blank value is that of any number that was never given one.
#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    /// Numbers by place; none while every value lies at its number's.
    keys: Box<[u32]>,
    values: Box<[V]>,
    count: u32,
}

/// What is as good as no value.
pub(crate) trait Blank: Copy + PartialEq {
    const BLANK: Self;
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { keys: Box::default(), values: Box::default(), count: 0 }
    }
}

impl<V: Blank> Table<V> {
    /// The value of a number.
    pub(crate) fn get(&self, number: u32) -> V {
        self.find(number).map_or(V::BLANK, |place| self.values[place])
    }

    /// The value of a number, made if it is not there.
    pub(crate) fn get_mut(&mut self, number: u32) -> &mut V {
        let place = self.find(number).unwrap_or_else(|| self.make_place(number));
        &mut self.values[place]
    }

    /// All values but blank ones, in the order of their numbers.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (u32, V)> + '_ {
        let mut used = self.used();
        used.sort_unstable_by_key(|(number, _)| *number);
        used.into_iter()
    }

    fn used(&self) -> Vec<(u32, V)> {
        let number = |place: usize| if self.keys.is_empty() { place as u32 } else { self.keys[place] };
        let values = self.values.iter().enumerate().filter(|(_, value)| **value != V::BLANK);
        values.map(|(place, value)| (number(place), *value)).collect()
    }

    #[cold]
    fn make_place(&mut self, number: u32) -> usize {
        if self.keys.is_empty() || (self.count as usize + 1) * 8 > self.keys.len() * 7 {
            self.grow(number);
        }
        if self.keys.is_empty() {
            return number as usize;
        }
        let place = self.place(number);
        self.keys[place] = number;
        self.count += 1;
        place
    }

    #[inline]
    fn find(&self, number: u32) -> Option<usize> {
        if self.keys.is_empty() {
            return Some(number as usize).filter(|place| *place < self.values.len());
        }
        let place = self.place(number);
        (self.keys[place] == number).then_some(place)
    }

    /// Where a number is, or the empty place where it belongs; there always is one.
    fn place(&self, number: u32) -> usize {
        let mask = self.keys.len() - 1;
        let mut place = number as usize & mask;
        while self.keys[place] != number && self.keys[place] != EMPTY {
            place = (place + 1) & mask;
        }
        place
    }

    /// Makes room for one more number.
    fn grow(&mut self, number: u32) {
        let used = self.used();
        let highest = used.iter().map(|(number, _)| *number).fold(number, u32::max);
        let places = (highest as usize + 1).next_power_of_two().max(FIRST_CAPACITY);
        let lies_by_number = places <= PLACES_PER_VALUE * (used.len() + 1);
        let hashed = ((used.len() + 1) * 2).next_power_of_two().max(FIRST_CAPACITY);
        let capacity = if lies_by_number { places } else { hashed };
        self.values = vec![V::BLANK; capacity].into();
        self.keys = if lies_by_number { Box::default() } else { vec![EMPTY; capacity].into() };
        self.count = used.len() as u32;
        for (number, value) in used {
            let place = if lies_by_number { number as usize } else { self.place(number) };
            if !lies_by_number {
                self.keys[place] = number;
            }
            self.values[place] = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Blank for u32 {
        const BLANK: Self = 0;
    }

    proptest! {
        #[test]
        fn a_table_answers_as_an_ordered_map_does(
            numbers in prop::collection::vec(prop_oneof![0u32..20, 0u32..300, 0u32..65_536], 0..200),
        ) {
            let (mut table, mut map) = (Table::default(), BTreeMap::new());
            for (step, number) in (1u32..).zip(numbers) {
                *table.get_mut(number) += step;
                *map.entry(number).or_insert(0) += step;
                for near in [number, number + 1, number ^ 1] {
                    prop_assert_eq!(table.get(near), map.get(&near).copied().unwrap_or(0));
                }
            }
            prop_assert!(table.values.len() <= 1024, "{} places for 200 numbers", table.values.len());
            let sorted: Vec<(u32, u32)> = map.into_iter().collect();
            prop_assert_eq!(table.sorted().collect::<Vec<_>>(), sorted);
        }
    }
}
