//! The way down to a place, as a walk leaves it behind: nothing is copied before it is asked for.
//!
//! Walks pass thousands of places and speak of few. Each step lives on the stack of the walk and
//! knows the one above it.

use super::Pointer;

/// A place, by the steps that lead to it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trail<'t> {
    /// The whole document.
    Root,
    /// A member of what stands above.
    Name(&'t Self, &'t str),
    /// A position in the list that stands above, from 0.
    Position(&'t Self, usize),
}

impl Trail<'_> {
    /// Returns the place.
    pub(crate) fn pointer(&self) -> Pointer {
        match self {
            Self::Root => Pointer::root(),
            Self::Name(above, name) => above.pointer().child(name),
            Self::Position(above, position) => above.pointer().item(*position),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_is_the_pointer_of_its_steps() {
        let list = Trail::Name(&Trail::Root, "a/b");
        let item = Trail::Position(&list, 3);
        let member = Trail::Name(&item, "c");
        assert_eq!(member.pointer().to_string(), "/a~1b/3/c");
        assert_eq!(Trail::Root.pointer(), Pointer::root());
    }
}
