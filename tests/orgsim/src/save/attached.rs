//! Files that come apart from the values of their record.

use bytes::Bytes;

use super::{
    Save, SaveError, check,
    input::{Input, Intent, Source},
};
use crate::schema::Object;

/// Values, and files by field number.
#[derive(Debug)]
pub(crate) struct WithFiles<'v, S> {
    /// The values.
    pub values: &'v S,
    /// The files.
    pub files: Vec<(usize, Bytes)>,
}

impl<S: Source> Source for WithFiles<'_, S> {
    fn read(
        &self,
        save: &mut Save<'_>,
        object: &Object,
        intent: Intent<'_>,
    ) -> Result<Input, SaveError> {
        let mut input = self.values.read(save, object, intent)?;
        let fields: Vec<usize> = self.files.iter().map(|(field, _)| *field).collect();
        check::writable(object, &fields, intent.creates, false)?;
        for (field, body) in &self.files {
            // Shares the bytes with the request.
            input.attach(object, *field, body.clone());
        }
        Ok(input)
    }
}
