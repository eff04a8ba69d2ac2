//! Every key of the table and every way in which it is read. Nobody else writes a key.
//!
//! | item | `pk` | `sk` | read by |
//! |---|---|---|---|
//! | org | `orgs` | `org#<org>` | Get; Query `org#` lists them |
//! | lease | `org#<org>` | `lease` | Get |
//! | automation that is off | `quiet` | `org#<org>` | Get; Query `org#` lists it of all orgs |
//! | API budget | `org#<org>` | `budget` | Get |
//! | job | `org#<org>` | `job#<job>` | Get; `BatchGet` of those that the next line found |
//! | job by time | `org#<org>` | `started#<time>#<job>` | Query `started#` backwards: the newest jobs that capture |
//! | object | `org#<org>` | `object#<object>` | Get; Query `object#` lists the cursors of an org |
//! | block | `org#<org>#object#<object>` | `block#<job>#<number, 10 digits>`, and `#<part, 10 digits>` behind it from 1 on | Get; `BatchGet` of a plan's blocks; Query lists what an object consists of |
//! | comparison of an object | `org#<org>#job#<job>` | `object#<object>` | Get; Query `object#` lists the result of a compare |
//! | last run that made records | `org#<org>` | `last-run` | Get |
//! | run of a restore | `org#<org>#job#<job>` | `run` | Get |
//! | Id of a record's copy | `org#<org>#job#<job>` | `copy#<Id>` | `BatchGet` |
//! | new Id of a record | `org#<org>#remade#<2 characters of the Id>` | `<Id>` | `BatchGet`; spread, as a restore writes many |
//!
//! Names hold no `#` (see `holdfast_model::name`), so no two things share a key. Times print in 24 characters
//! and sort as text. There is no index: every access is by key, so every read can be strongly consistent.
//!
//! A block lies in the partition of its object, not of its job: "all segments of an object" is asked far more
//! often than "all blocks of a job", whose keys the plan gives.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use holdfast_model::{Block, JobId, ObjectName, OrgName, SalesforceId, Stamp};

/// Name of the partition key.
pub(crate) const PK: &str = "pk";
/// Name of the sort key.
pub(crate) const SK: &str = "sk";

/// Where one item is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn org(org: &OrgName) -> Self {
        let Range { pk, sk_prefix } = Range::orgs();
        Self {
            pk,
            sk: format!("{sk_prefix}{org}"),
        }
    }

    pub(crate) fn lease(org: &OrgName) -> Self {
        Self::under(org, "lease".to_owned())
    }

    pub(crate) fn quiet(org: &OrgName) -> Self {
        let Range { pk, sk_prefix } = Range::quiets();
        Self {
            pk,
            sk: format!("{sk_prefix}{org}"),
        }
    }

    pub(crate) fn budget(org: &OrgName) -> Self {
        Self::under(org, "budget".to_owned())
    }

    pub(crate) fn job(org: &OrgName, job: &JobId) -> Self {
        Self::under(org, format!("job#{job}"))
    }

    pub(crate) fn job_by_time(org: &OrgName, started: Stamp, job: &JobId) -> Self {
        Self::under(org, format!("started#{started}#{job}"))
    }

    pub(crate) fn object(org: &OrgName, object: &ObjectName) -> Self {
        Self::under(org, format!("object#{object}"))
    }

    pub(crate) fn block(block: &Block) -> Self {
        let Range { pk, sk_prefix } = Range::blocks(&block.org, &block.object);
        let part = match block.part {
            0 => String::new(),
            part => format!("#{part:010}"),
        };
        Self {
            pk,
            sk: format!("{sk_prefix}{}#{:010}{part}", block.job, block.block),
        }
    }

    pub(crate) fn comparison(org: &OrgName, job: &JobId, object: &ObjectName) -> Self {
        let Range { pk, sk_prefix } = Range::comparisons(org, job);
        Self {
            pk,
            sk: format!("{sk_prefix}{object}"),
        }
    }

    pub(crate) fn last_run(org: &OrgName) -> Self {
        Self::under(org, "last-run".to_owned())
    }

    pub(crate) fn run(org: &OrgName, job: &JobId) -> Self {
        let Range { pk, .. } = Range::comparisons(org, job);
        Self {
            pk,
            sk: "run".to_owned(),
        }
    }

    pub(crate) fn remade(org: &OrgName, id: &SalesforceId) -> Self {
        // The last ones that count; neighbours differ in them.
        let shard = id.as_str().get(13..15).unwrap_or_default();
        Self {
            pk: format!("org#{org}#remade#{shard}"),
            sk: id.to_string(),
        }
    }

    pub(crate) fn copy(org: &OrgName, job: &JobId, id: &SalesforceId) -> Self {
        let Range { pk, .. } = Range::comparisons(org, job);
        Self {
            pk,
            sk: format!("copy#{id}"),
        }
    }

    fn under(org: &OrgName, sk: String) -> Self {
        Self {
            pk: format!("org#{org}"),
            sk,
        }
    }

    pub(crate) fn into_attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk)),
            (SK.to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// Neighbouring items: one partition, one prefix of the sort key.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    pub(crate) pk: String,
    pub(crate) sk_prefix: String,
}

impl Range {
    pub(crate) fn orgs() -> Self {
        Self {
            pk: "orgs".to_owned(),
            sk_prefix: "org#".to_owned(),
        }
    }

    pub(crate) fn quiets() -> Self {
        Self {
            pk: "quiet".to_owned(),
            sk_prefix: "org#".to_owned(),
        }
    }

    pub(crate) fn jobs_by_time(org: &OrgName) -> Self {
        Self::under(org, "started#")
    }

    pub(crate) fn objects(org: &OrgName) -> Self {
        Self::under(org, "object#")
    }

    pub(crate) fn blocks(org: &OrgName, object: &ObjectName) -> Self {
        Self {
            pk: format!("org#{org}#object#{object}"),
            sk_prefix: "block#".to_owned(),
        }
    }

    pub(crate) fn comparisons(org: &OrgName, job: &JobId) -> Self {
        Self {
            pk: format!("org#{org}#job#{job}"),
            sk_prefix: "object#".to_owned(),
        }
    }

    fn under(org: &OrgName, sk_prefix: &str) -> Self {
        Self {
            pk: format!("org#{org}"),
            sk_prefix: sk_prefix.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use holdfast_model::{Lane, Window};

    use super::*;

    fn block(org: &OrgName, job: &JobId, object: &ObjectName, block: u32) -> Block {
        Block {
            org: org.clone(),
            job: job.clone(),
            block,
            part: 0,
            object: object.clone(),
            lane: Lane::Head,
            window: Window {
                from: None,
                until: Stamp::from_millis(0),
            },
            schema: String::new(),
            rows_expected: 0,
        }
    }

    #[test]
    fn no_two_things_share_a_key() {
        let orgs = ["a", "a-b", "lease", "orgs"].map(|org| OrgName::parse(org).unwrap());
        let jobs = ["a", "lease", "a_1"].map(|job| JobId::parse(job).unwrap());
        let objects = ["a", "a__c", "lease"].map(|object| ObjectName::parse(object).unwrap());
        let mut keys = Vec::new();
        for org in &orgs {
            keys.extend([Key::org(org), Key::lease(org), Key::budget(org)]);
            keys.extend([Key::last_run(org), Key::quiet(org)]);
            let ids = [b"001000000000001", b"001000000000002"];
            keys.extend(ids.map(|id| Key::remade(org, &SalesforceId::parse(id).unwrap())));
            for job in &jobs {
                keys.extend(ids.map(|id| Key::copy(org, job, &SalesforceId::parse(id).unwrap())));
                keys.push(Key::job(org, job));
                keys.push(Key::job_by_time(org, Stamp::from_millis(1), job));
                keys.push(Key::run(org, job));
            }
            for object in &objects {
                keys.push(Key::object(org, object));
                for job in &jobs {
                    keys.push(Key::comparison(org, job, object));
                    keys.extend([1, 11].map(|number| Key::block(&block(org, job, object, number))));
                    let second = Block {
                        part: 1,
                        ..block(org, job, object, 1)
                    };
                    keys.push(Key::block(&second));
                }
            }
        }
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
    }

    #[test]
    fn blocks_and_times_sort_as_text() {
        let org = OrgName::parse("acme").unwrap();
        let job = JobId::parse("j").unwrap();
        let object = ObjectName::parse("Account").unwrap();
        let sk = |number| Key::block(&block(&org, &job, &object, number)).sk;
        assert!(sk(9) < sk(10) && sk(10) < sk(u32::MAX));
        let sk = |millis| Key::job_by_time(&org, Stamp::from_millis(millis), &job).sk;
        assert!(sk(999) < sk(1_000) && sk(1_000) < sk(1_700_000_000_000));
    }
}
