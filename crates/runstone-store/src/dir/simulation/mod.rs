//! A simulation below the engine: a disk that forgets what was not flushed, and a seed for chance.
//!
//! ```text
//! life      one seed: actors, a cut, what survives, again       seeds     the tests, and how to repeat one
//! actors    whoever uses a store, with handles of their own     promises  what must hold afterwards
//! world     who calls next, what fails, when the power goes     history   what was told to whom
//! filesystem  the calls of an engine                            disk      written and durable, kept apart
//! ```
//!
//! The invariant guarded here: the engine under test is the one of ordinary use, call for call;
//! only the file system below it, and chance, are of the simulation.

mod actors;
mod disk;
mod draw;
mod filesystem;
mod history;
mod life;
mod mutants;
mod promises;
mod seeds;
mod walks;
mod world;
