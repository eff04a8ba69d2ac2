//! What the project's chores and its tests share: where things are, and the pinned tools of Python and Node.

pub mod node;
pub mod place;
pub mod python;
