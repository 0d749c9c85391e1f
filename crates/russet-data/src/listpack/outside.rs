//! What listpacks from outside need beyond being well-formed.

use std::cmp::Ordering;

use super::{Element, Listpack};

/// So many elements are compared each with each other; more are sorted first.
const FEW: usize = 16;

impl Listpack {
    /// The same elements, each an integer if it is the text of one: who makes a listpack elsewhere
    /// need not have noticed, and here elements are compared as they are.
    #[must_use]
    pub fn into_canonical(self) -> Self {
        let is_noticed = |element| match element {
            Element::Int(_) => true,
            Element::Bytes(text) => matches!(Element::from(text), Element::Bytes(_)),
        };
        if self.iter().all(is_noticed) {
            return self;
        }
        let mut canonical = Listpack::with_capacity(self.byte_len());
        for element in self.iter() {
            match element {
                Element::Int(number) => canonical.push_back(number),
                Element::Bytes(text) => canonical.push_back(text),
            }
        }
        canonical
    }

    /// Whether a string is there twice, if only the first and every `step`th element counts. All are
    /// canonical.
    #[must_use]
    pub fn has_duplicates(&self, step: usize) -> bool {
        let mut elements: Vec<Element<'_>> = self.iter().step_by(step).collect();
        if elements.len() <= FEW {
            let mut earlier = elements.iter().enumerate();
            return earlier.any(|(at, element)| elements[..at].contains(element));
        }
        elements.sort_unstable_by(|one, other| match (one, other) {
            (Element::Int(one), Element::Int(other)) => one.cmp(other),
            (Element::Bytes(one), Element::Bytes(other)) => one.cmp(other),
            (Element::Int(_), Element::Bytes(_)) => Ordering::Less,
            (Element::Bytes(_), Element::Int(_)) => Ordering::Greater,
        });
        elements.windows(2).any(|pair| pair[0] == pair[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(listpack: &Listpack) -> Vec<Vec<u8>> {
        listpack.iter().map(|element| element.to_vec()).collect()
    }

    #[test]
    fn texts_of_integers_become_integers() {
        // One element, the text "7", as nobody here would write it.
        let bytes = vec![10, 0, 0, 0, 1, 0, 0x81, b'7', 2, 0xff];
        let listpack = Listpack::from_bytes(bytes).expect("well-formed");
        assert!(matches!(listpack.iter().next(), Some(Element::Bytes(b"7"))));
        let canonical = listpack.into_canonical();
        assert!(matches!(canonical.iter().next(), Some(Element::Int(7))));
        assert_eq!(texts(&canonical), [b"7"]);
    }

    #[test]
    fn duplicates_are_found_among_few_and_many() {
        for count in [2, FEW, FEW + 1, 200] {
            let mut listpack = Listpack::new();
            for number in 0..count {
                listpack.push_back(format!("e{number}").as_bytes());
                listpack.push_back(1);
            }
            assert!(!listpack.has_duplicates(2));
            assert!(listpack.has_duplicates(1));
            listpack.push_back(&b"e0"[..]);
            listpack.push_back(2);
            assert!(listpack.has_duplicates(2));
        }
    }
}
