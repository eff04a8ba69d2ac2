//! Automation of an org that a restore may switch off: what runs when records are saved.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ObjectName;

/// A kind of what can be off while a restore runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutomationKind {
    /// Apex triggers.
    Triggers,
    /// Flows that a record starts.
    Flows,
    /// Workflow rules.
    WorkflowRules,
    /// Validation rules.
    ValidationRules,
    /// Duplicate rules.
    DuplicateRules,
    /// That users are inactive who are to own records.
    InactiveOwners,
}

impl AutomationKind {
    /// All of them, in the order in which they are switched off.
    pub const ALL: [Self; 6] = [
        Self::Triggers,
        Self::Flows,
        Self::WorkflowRules,
        Self::ValidationRules,
        Self::DuplicateRules,
        Self::InactiveOwners,
    ];

    /// One of them, in a message.
    const fn one(self) -> &'static str {
        match self {
            Self::Triggers => "trigger",
            Self::Flows => "flow",
            Self::WorkflowRules => "workflow rule",
            Self::ValidationRules => "validation rule",
            Self::DuplicateRules => "duplicate rule",
            Self::InactiveOwners => "deactivation of",
        }
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Automation {
    /// Its kind.
    pub kind: AutomationKind,
    /// The object whose records it runs for; `User` for owners.
    pub object: ObjectName,
    /// Its API name, the Id of an owner; unique among those of its kind and object.
    pub name: String,
    /// The version of a flow that was active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

impl Automation {
    /// Whether the two name the same one, whichever version of it is active.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.object, &self.name) == (other.kind, &other.object, &other.name)
    }
}

impl fmt::Display for Automation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{}", self.kind.one(), self.object, self.name)
    }
}

/// Which way automation is switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// So that it does not run.
    Off,
    /// So that it runs again.
    On,
}

impl Switch {
    /// Whether automation runs then.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}
