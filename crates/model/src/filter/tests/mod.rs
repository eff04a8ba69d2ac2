//! Both forms print as each other, what is wrong is refused by name, and what is right means what Salesforce says.

mod any;
mod dates;
mod forms;
mod fuzz;
mod limits;
mod meaning;
mod org;
mod refused;
