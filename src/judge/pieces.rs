//! A judge in pieces, each small enough to be written at once, and put together again.

use serde::{Deserialize, Serialize};

use super::Judge;
use super::panes::Pane;
use super::places::RefusedNames;
use super::source::SourceLanes;
use super::state::ModelJudge;
use crate::model::{EventTime, ModelId, SourceId};
use crate::sums::SharedPart;

/// A part of a judge's state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JudgePiece(Part);

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Part {
    /// A source without its open panes.
    Source(SourceId, Box<SourceLanes>),
    Pane(SourceId, EventTime, ModelId, SharedPart<Pane>),
    Model(ModelId, SharedPart<ModelJudge>),
    Refused(RefusedNames),
}

impl Judge {
    /// Everything that it knows, sources before their panes. What is large is shared, not copied.
    #[must_use]
    pub fn pieces(&self) -> Vec<JudgePiece> {
        let mut parts = vec![Part::Refused(self.refused)];
        for (id, source) in &self.sources {
            let (bare, open) = source.apart();
            parts.push(Part::Source(id.clone(), Box::new(bare)));
            let panes = open.into_iter().flat_map(|(start, models)| {
                let pane = move |(model, pane)| Part::Pane(id.clone(), start, model, pane);
                models.into_iter().map(pane)
            });
            parts.extend(panes);
        }
        let models = self.models.iter();
        parts.extend(models.map(|(id, judge)| Part::Model(id.clone(), judge.clone())));
        parts.into_iter().map(JudgePiece).collect()
    }

    /// Puts a piece in its place. The panes of a source come after it.
    pub fn put(&mut self, piece: JudgePiece) {
        match piece.0 {
            Part::Source(id, source) => {
                self.sources.insert(id, *source);
            }
            Part::Pane(id, start, model, pane) => {
                if let Some(source) = self.sources.get_mut(&id) {
                    source.panes.put(start, model, pane);
                }
            }
            Part::Refused(refused) => self.refused = refused,
            Part::Model(id, judge) => {
                self.models.insert(id, judge);
            }
        }
    }
}
