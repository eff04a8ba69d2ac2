//! The local stack: the deployed template on a local AWS, with a simulated org beside it.
//!
//! [`Stack::start`] brings up everything that a test or the demo needs and [`Drop`] ends it; whatever way the
//! process ends, nothing that it started outlives it.

mod administrator;
mod bare_aws;
mod deploy;
mod group;
mod local_aws;
mod orgsim;
mod run;
mod stack;
mod worker;

pub use administrator::{Administrator, field_call};
pub use bare_aws::BareAws;
pub use orgsim::OrgSim;
pub use run::local;
pub use stack::{Addresses, Execution, FunctionError, Options, Outcome, Stack};
pub use worker::Worker;
