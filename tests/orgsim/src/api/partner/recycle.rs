//! Out of the Recycle Bin, either way.
//!
//! Source: SOAP API Developer Guide, `undelete()`, `emptyRecycleBin()`.

use axum::response::Response;

use super::write::{all_or_none, check_size, write_error};
use crate::{
    api::write::saving,
    id,
    org::Org,
    save::{Save, SaveError},
    soap::{Call, Fault},
};

/// `undelete`
pub(super) fn undelete(org: &Org, call: &Call) -> Result<Response, Fault> {
    each(org, call, |save, record| save.undelete(record).map(|_| ()))
}

/// `emptyRecycleBin`
pub(super) fn empty(org: &Org, call: &Call) -> Result<Response, Fault> {
    each(org, call, |save, record| save.empty(record).map(|_| ()))
}

fn each(
    org: &Org,
    call: &Call,
    mut change: impl FnMut(&mut Save<'_>, (usize, usize)) -> Result<(), SaveError>,
) -> Result<Response, Fault> {
    let ids: Vec<&str> = call.operation.values("ids").collect();
    check_size(ids.len())?;
    let results: Vec<Result<String, SaveError>> = saving(org, &call.caller, |save| {
        save.store.begin();
        let mut one = |given: &&str| {
            let record = locate(save, given)?;
            save.store.begin();
            let done = change(save, record);
            if done.is_ok() {
                save.store.keep();
            } else {
                save.store.roll_back();
            }
            done.map(|()| (*given).to_owned())
        };
        let mut results: Vec<_> = ids.iter().map(&mut one).collect();
        if all_or_none(call) && results.iter().any(Result::is_err) {
            save.store.roll_back();
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                *result = Err(SaveError::rolled_back());
            }
        } else {
            save.store.keep();
        }
        results
    });
    Ok(call.answer(|xml| {
        for result in results {
            xml.within("result", |xml| match result {
                Ok(id) => {
                    xml.leaf("id", &id);
                    xml.plain("success", true);
                }
                Err(error) => {
                    write_error(xml, error.fields, &error.message, error.code);
                    xml.nil("id");
                    xml.plain("success", false);
                }
            });
        }
    }))
}

/// The record of an Id.
pub(super) fn locate(save: &Save<'_>, given: &str) -> Result<(usize, usize), SaveError> {
    let found = id::parse(given.trim()).and_then(|id| save.schema.locate(&id));
    found.ok_or_else(|| SaveError::malformed_id(given))
}
