//! Which version answers a request, and which versions may: weights, health, circuit breakers.
//!
//! Law: it uses model only and sends nothing. The same route, the same health and the same draw
//! choose the same version. Time is an argument: the span since the router began.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

mod breaker;
mod checks;
mod plan;
mod repeats;
mod route;
mod switch;
mod tally;

pub use checks::CheckRules;
pub use plan::{Choice, Draw, RoutePlan, VersionIndex, hash};
pub use repeats::{IdRepeats, IdUse};
pub use route::{Forced, Route, RouteError, Weight};
pub use switch::{Input, RouteRefusal, Rules, Switch, SwitchEvent, VersionView};
pub use tally::{RequestEnd, RequestStats};
