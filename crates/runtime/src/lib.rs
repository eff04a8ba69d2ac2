//! What every function shares: settings, clients, credentials, telemetry, the deadline, and how an error
//! leaves a Lambda. The only room that knows the Lambda runtime.

mod blocks;
mod choose;
mod environment;
mod execution;
mod function;
mod login;
mod protection;
mod secret;
mod settings;

pub use blocks::each_planned;
pub use environment::Environment;
pub use execution::{is_running, stop};
pub use function::{Deadline, now, serve};
pub use lambda_runtime::Error;
pub use protection::Protection;
pub use settings::Settings;
