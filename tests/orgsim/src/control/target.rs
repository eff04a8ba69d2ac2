//! Which records a change is about.

use serde::Deserialize;

use super::ControlError;
use crate::{
    id,
    org::Org,
    random::Random,
    soql::{View, bind, parse, select},
    store::{Slot, Store},
};

/// Records by Id, by chance, or by a condition; exactly one of them.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Target {
    /// 15- or 18-character Ids.
    pub ids: Option<Vec<String>>,
    /// So many, chosen by `seed`.
    pub pick: Option<usize>,
    /// Same seed, same choice.
    #[serde(default)]
    pub seed: u64,
    /// A SOQL condition.
    #[serde(rename = "where")]
    pub condition: Option<String>,
}

impl Target {
    /// The slots of object number `at`; chance takes only those that `fits` admits.
    pub(crate) fn slots(
        &self,
        org: &Org,
        store: &Store,
        at: usize,
        fits: impl Fn(&Slot) -> bool,
    ) -> Result<Vec<usize>, ControlError> {
        match (&self.ids, self.pick, &self.condition) {
            (Some(ids), None, None) => ids
                .iter()
                .map(|text| {
                    let located = id::parse(text).and_then(|id| org.schema.locate(&id));
                    let slot = located
                        .filter(|(object, _)| *object == at)
                        .map(|(_, slot)| slot);
                    let known = slot.filter(|slot| {
                        store.slot(at, *slot).is_some_and(|slot| slot.row.is_some())
                    });
                    known.ok_or_else(|| ControlError(format!("no such record: `{text}`")))
                })
                .collect(),
            (None, Some(count), None) => {
                let slots = store.table(at).map_or(&[][..], |table| table.slots());
                let fitting = slots
                    .iter()
                    .enumerate()
                    .filter(|(_, slot)| slot.row.is_some() && fits(slot));
                let mut slots: Vec<usize> = fitting.map(|(slot, _)| slot).collect();
                if slots.len() < count {
                    return Err(ControlError(format!(
                        "only {} records to pick from",
                        slots.len()
                    )));
                }
                let mut random = Random::new(self.seed, 0x51C4, at);
                for place in 0..count {
                    let other = place + random.index(slots.len() - place);
                    slots.swap(place, other);
                }
                slots.truncate(count);
                Ok(slots)
            }
            (None, None, Some(condition)) => {
                let name = org
                    .schema
                    .object(at)
                    .map_or("", |object| object.name.as_str());
                let text = format!("SELECT Id FROM {name} WHERE {condition}");
                let bound = parse(&text)
                    .and_then(|query| bind(&org.schema, &text, &query, org.clock.now_ms(), false))
                    .map_err(|error| ControlError(error.to_string()))?;
                let slots = select(
                    View {
                        schema: &org.schema,
                        store,
                    },
                    &bound,
                    true,
                );
                let admitted = |slot: &usize| store.slot(at, *slot).is_some_and(&fits);
                Ok(slots.into_iter().filter(admitted).collect())
            }
            _ => Err(ControlError(
                "give exactly one of `ids`, `pick` and `where`".to_owned(),
            )),
        }
    }
}
