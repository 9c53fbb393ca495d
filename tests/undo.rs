//! The room `undo`: scenarios in lines, tables of what may follow what, and random worlds.

#[path = "undo/admit.rs"]
mod admit;
#[path = "undo/random.rs"]
mod random;
#[path = "undo/scenario.rs"]
mod scenario;
#[path = "undo/tables.rs"]
mod tables;
#[path = "undo/world.rs"]
mod world;
