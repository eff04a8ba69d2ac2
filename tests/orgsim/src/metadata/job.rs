//! Deployments and retrievals run by themselves; callers ask for their state.
//!
//! Source: Metadata API Developer Guide, `deploy()`, `retrieve()`, `checkDeployStatus()`, `checkRetrieveStatus()`.

use std::collections::BTreeMap;

use super::{deploy::Deployment, retrieve::Retrieval};
use crate::id::Mint;

/// Where a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Status {
    /// Waits for its turn.
    #[default]
    Pending,
    /// Runs.
    InProgress,
    /// Everything is in force; tests and clean-up end.
    FinalizingDeploy,
    /// Done.
    Succeeded,
    /// Done, without the components that failed.
    SucceededPartial,
    /// Nothing was done.
    Failed,
    /// Somebody wants it to stop.
    Canceling,
    /// It stopped.
    Canceled,
}

impl Status {
    /// As the API spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::FinalizingDeploy => "FinalizingDeploy",
            Self::Succeeded => "Succeeded",
            Self::SucceededPartial => "SucceededPartial",
            Self::Failed => "Failed",
            Self::Canceling => "Canceling",
            Self::Canceled => "Canceled",
        }
    }

    /// As `AsyncResult.state` spells it.
    pub(crate) const fn state(self) -> &'static str {
        match self {
            Self::Pending => "Queued",
            Self::InProgress | Self::FinalizingDeploy | Self::Canceling => "InProgress",
            Self::Succeeded | Self::SucceededPartial => "Completed",
            Self::Failed | Self::Canceled => "Error",
        }
    }

    /// Nothing happens any more.
    pub(crate) const fn done(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::SucceededPartial | Self::Failed | Self::Canceled
        )
    }
}

/// Every job of the org.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    /// By Id.
    pub deployments: BTreeMap<String, Deployment>,
    /// By Id.
    pub retrievals: BTreeMap<String, Retrieval>,
}

impl Jobs {
    /// The Id of the next deployment.
    pub(crate) fn deployment_id(&self) -> String {
        mint(*b"0Af", self.deployments.len())
    }

    /// The Id of the next retrieval.
    pub(crate) fn retrieval_id(&self) -> String {
        mint(*b"09S", self.retrievals.len())
    }
}

fn mint(prefix: [u8; 3], number: usize) -> String {
    String::from_utf8_lossy(&Mint::new(prefix, 1).id(number)).into_owned()
}
