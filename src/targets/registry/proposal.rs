//! A shape that was recognized, in words.

use std::fmt;

use crate::config::RegistryShape;
use crate::model::ModelId;

/// What says which version is in production.
#[derive(Debug)]
pub(super) struct Looks {
    pub(super) what: String,
    /// Nobody would read it in another way.
    pub(super) certain: bool,
    /// Former versions have it too.
    pub(super) several: bool,
}

/// A shape that fits a document, for its owner to check.
#[derive(Debug)]
pub struct Proposal {
    /// Why the document is not in Ripcord's own form.
    pub(super) why: String,
    pub(super) shape: RegistryShape,
    pub(super) looks: Option<Looks>,
    /// What is wrong with the document even so.
    pub(super) still: Option<String>,
}

impl Proposal {
    /// The shape, if a replay may use it, and what it goes by. `model` is the name if the document
    /// has none.
    #[must_use]
    pub fn for_replay(&self, model: Option<&ModelId>) -> Option<(RegistryShape, &str)> {
        let mut shape = self.shape.clone();
        let form = shape.form.as_mut()?;
        if form.name.is_none() {
            form.default_name = Some(model?.clone());
        }
        let looks = self.looks.as_ref()?;
        (looks.certain && self.still.is_none()).then_some((shape, &looks.what))
    }

    /// The shape to put into a config.
    #[must_use]
    pub fn toml(&self) -> String {
        let mut shape = self.shape.clone();
        let mut note = "";
        if let Some(form) = &mut shape.form
            && form.name.is_none()
        {
            form.default_name = placeholder();
            note = "# The file does not name its model. Set default_name to the name that your \
                    telemetry\n# has, or give a replay --model NAME.\n";
        }
        format!("{note}{}", shape.toml())
    }
}

/// The name of a model that a document does not name.
pub(super) fn placeholder() -> Option<ModelId> {
    ModelId::new("my-model").ok()
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, looks, .. } = self;
        writeln!(f, "it is not in Ripcord's own form: {why}.")?;
        match looks {
            Some(Looks { what, certain: true, .. }) => writeln!(
                f,
                "Going by {what}, this is its shape. Check it and put it into your config:"
            )?,
            Some(Looks { what, certain: false, .. }) => writeln!(
                f,
                "Nothing in it says for certain which version is in production, but {what} may. \
                 If so, put this into your config:"
            )?,
            None => writeln!(
                f,
                "Nothing in it says which version is in production. Add \"is_production\": true \
                 to the entry that is, and put this into your config:"
            )?,
        }
        write!(f, "\n{}", self.toml())?;
        match &self.still {
            Some(still) => write!(f, "\n\nIt cannot be used in this shape either: {still}"),
            None => Ok(()),
        }
    }
}
