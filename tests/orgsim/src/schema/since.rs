//! Keys of describe results that older versions of the API do not have.
//!
//! Source: recorded describes of versions 23 to 60; a key begins where a recording first shows it.

use serde_json::{Map, Value};

/// Key of an object and the first version that has it.
const OBJECT: [(&str, u32); 18] = [
    ("actionOverrides", 34),
    ("associateEntityType", 50),
    ("associateParentEntity", 50),
    ("dataTranslationEnabled", 61),
    ("deepCloneable", 48),
    ("defaultImplementation", 48),
    ("extendedBy", 48),
    ("extendsInterfaces", 48),
    ("hasSubtypes", 42),
    ("implementedBy", 48),
    ("implementsInterfaces", 48),
    ("isInterface", 48),
    ("isSubtype", 42),
    ("mruEnabled", 42),
    ("namedLayoutInfos", 34),
    ("networkScopeFieldName", 42),
    ("sobjectDescribeOption", 42),
    ("supportedScopes", 42),
];

/// Key of a field and the first version that has it.
const FIELD: [(&str, u32); 15] = [
    ("aggregatable", 42),
    ("aiPredictionField", 46),
    ("compoundFieldName", 42),
    ("dataTranslationEnabled", 61),
    ("encrypted", 34),
    ("extraTypeInfo", 34),
    ("filteredLookupInfo", 34),
    ("formulaTreatNullNumberAsZero", 46),
    ("highScaleNumber", 34),
    ("mask", 34),
    ("maskType", 34),
    ("polymorphicForeignKey", 42),
    ("queryByDistance", 34),
    ("referenceTargetField", 34),
    ("searchPrefilterable", 42),
];

const RECORD_TYPE: [(&str, u32); 3] = [("active", 42), ("developerName", 43), ("master", 42)];
const CHILD: [(&str, u32); 2] = [("junctionIdListNames", 34), ("junctionReferenceTo", 34)];

/// Leaves the keys that `version` has, `v60.0` or the like.
pub(super) fn keep_known(describe: &mut Map<String, Value>, version: &str) {
    let number = version_number(version);
    trim(describe, &OBJECT, number);
    for (list, keys) in [
        ("fields", &FIELD[..]),
        ("recordTypeInfos", &RECORD_TYPE),
        ("childRelationships", &CHILD),
    ] {
        let members = describe.get_mut(list).and_then(Value::as_array_mut);
        for member in members.into_iter().flatten() {
            if let Some(member) = member.as_object_mut() {
                trim(member, keys, number);
            }
        }
    }
}

/// The number in `v60.0` or `60.0`; the newest when there is none.
pub(super) fn version_number(version: &str) -> u32 {
    let number = version.trim_start_matches('v').split('.').next();
    number
        .and_then(|text| text.parse().ok())
        .unwrap_or(u32::MAX)
}

fn trim(map: &mut Map<String, Value>, keys: &[(&str, u32)], version: u32) {
    for (key, since) in keys {
        if version < *since {
            map.remove(*key);
        }
    }
}
