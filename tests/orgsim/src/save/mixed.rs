//! Setup objects and others do not go together in one transaction.
//!
//! Source: Apex Developer Guide, sObjects That Cannot Be Used Together in DML Operations.

use super::{Draft, Save, SaveError};
use crate::formula::Record as _;

/// Objects that decide who sees what.
const SETUP: [&str; 20] = [
    "FieldPermissions",
    "Group",
    "GroupMember",
    "ObjectPermissions",
    "ObjectTerritory2AssignmentRule",
    "ObjectTerritory2AssignmentRuleItem",
    "PermissionSet",
    "PermissionSetAssignment",
    "PermissionSetGroup",
    "PermissionSetGroupComponent",
    "QueueSobject",
    "RuleTerritory2Association",
    "SetupEntityAccess",
    "Territory",
    "Territory2",
    "Territory2Model",
    "User",
    "UserRole",
    "UserTerritory",
    "UserTerritory2Association",
];

/// Fields of a user that decide what the user sees; others may change along with data.
const USER_FIELDS: [&str; 6] = [
    "UserRoleId",
    "IsActive",
    "ForecastEnabled",
    "IsPortalEnabled",
    "Username",
    "ProfileId",
];

/// Saves nested in each other. Source: Apex Developer Guide, Execution Governors and Limits (stack depth).
const DEPTH_MAX: usize = 16;

/// What a save is for this rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Setup,
    Data,
    /// Goes with both.
    Either,
}

/// The side of a record that is made.
pub(super) fn creates(draft: &Draft<'_>) -> Side {
    match draft.object.name.as_str() {
        "Group" => Side::Either,
        // A user without a role may be made along with data.
        "User" if draft.get("UserRoleId").is_none() => Side::Either,
        name => side(name),
    }
}

/// The side of a record that is changed.
pub(super) fn updates(draft: &Draft<'_>) -> Side {
    let decides = |name: &&'static str| {
        let before = draft.before.as_ref();
        draft.object.field(name).is_some_and(|(number, _)| {
            draft.is_written(number)
                && draft.value(number) != before.and_then(|row| row.value(number))
        })
    };
    match draft.object.name.as_str() {
        "Group" => Side::Either,
        "User" if !USER_FIELDS.iter().any(decides) => Side::Either,
        name => side(name),
    }
}

/// The side of a record that is deleted.
pub(super) fn side(object: &str) -> Side {
    if SETUP.binary_search(&object).is_ok() {
        Side::Setup
    } else {
        Side::Data
    }
}

impl Save<'_> {
    /// Begins to save a record: neither on the wrong side of this transaction nor too deep in it.
    pub(super) fn enter(&mut self, object: &str, side: Side) -> Result<(), SaveError> {
        if self.store.depth() > DEPTH_MAX {
            return Err(SaveError::new(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "maximum trigger depth exceeded",
            ));
        }
        let setup = match side {
            Side::Either => return Ok(()),
            Side::Setup => true,
            Side::Data => false,
        };
        match self.store.mixes(setup, object) {
            None => Ok(()),
            Some(original) => Err(SaveError::new(
                "MIXED_DML_OPERATION",
                format!(
                    "DML operation on setup object is not permitted after you have updated a non-setup object (or vice versa): {object}, original object: {original}"
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_setup_objects_is_sorted() {
        assert!(SETUP.is_sorted());
        assert_eq!(side("UserRole"), Side::Setup);
        assert_eq!(side("Account"), Side::Data);
    }
}
