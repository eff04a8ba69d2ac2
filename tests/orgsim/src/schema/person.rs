//! What person accounts add to the declarations of an org that has them.
//!
//! Sources: Object Reference, Account (person account fields), Contact (`IsPersonAccount`), `RecordType`
//! (`IsPersonType`); Apex Developer Guide, notes on person accounts.

use super::{NotationError, Schema, notation};

/// Fields in the notation of the files in `schema/`, under the objects that get them. `Newsletter__c` shows how a
/// contact's custom field appears on the account.
const FIELDS: &str = "\
object Account
  LastName string(80) of=Name extra=personname
  FirstName string(40) of=Name extra=personname
  Salutation picklist values=Mr.|Ms.|Mrs.|Dr.|Prof. of=Name extra=personname
  MiddleName string(80) of=Name extra=personname
  Suffix string(80) of=Name extra=personname
  PersonContactId ->Contact rel=PersonContact ro
  IsPersonAccount boolean ! ro
  +address PersonMailing
  +address PersonOther
  PersonMobilePhone phone(40)
  PersonHomePhone phone(40)
  PersonOtherPhone phone(40)
  PersonAssistantPhone phone(40)
  PersonEmail email(80)
  PersonTitle string(128)
  PersonDepartment string(80)
  PersonAssistantName string(40)
  PersonLeadSource picklist values=Web|Phone~Inquiry|Partner~Referral|Purchased~List|Other
  PersonBirthdate date
  PersonHasOptedOutOfEmail boolean !
  PersonEmailBouncedReason string(255)
  PersonEmailBouncedDate datetime
  Newsletter__pc boolean
object Contact
  IsPersonAccount boolean ! ro
  Newsletter__c boolean
object RecordType
  IsPersonType boolean ! ro
";

impl Schema {
    /// Adds the fields of person accounts.
    pub(crate) fn add_person_accounts(&mut self) -> Result<(), NotationError> {
        for addition in notation::read(FIELDS)? {
            let Some(at) = self.find(&addition.name).map(|(at, _)| at) else {
                continue;
            };
            // The first field is the implied Id.
            for field in addition.fields.into_iter().skip(1) {
                self.put_field(at, field)?;
            }
        }
        // It comes after the record types that are generated.
        self.person_type = Some(2 * self.with_record_types().count());
        Ok(())
    }
}
