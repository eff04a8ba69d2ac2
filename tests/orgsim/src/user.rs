//! The people and programs that log in: rows of `User`, and the passwords that no query shows.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    config::Credentials,
    id,
    org::Org,
    store::{id_of, row::text},
};

/// Who may log in with a password, by user Id.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Logins(HashMap<String, Secret>);

/// What a user proves to be the user with.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Secret {
    /// The password.
    pub password: String,
    /// What has to follow the password, for callers from an unknown network; nothing when the network is known.
    pub security_token: Option<String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// Why somebody cannot log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginError {
    /// No such user, an inactive one, or another password.
    Invalid,
    /// The password is right, the security token is missing.
    TokenMissing,
}

impl Logins {
    /// The integration user, as configured.
    pub(crate) fn new(user: String, credentials: &Credentials) -> Self {
        let secret = Secret {
            password: credentials.password.clone(),
            security_token: credentials.security_token.clone(),
        };
        Self(HashMap::from([(user, secret)]))
    }

    /// Lets a user log in from now on.
    pub(crate) fn set(&mut self, user: String, secret: Secret) {
        self.0.insert(user, secret);
    }

    /// An administrator has set the user up.
    pub(crate) fn knows(&self, user: &str) -> bool {
        self.0.contains_key(user)
    }

    fn check(&self, user: &str, given: &str) -> Result<(), LoginError> {
        let secret = self.0.get(user).ok_or(LoginError::Invalid)?;
        match &secret.security_token {
            None if given == secret.password => Ok(()),
            Some(token) if given.strip_prefix(&secret.password) == Some(token) => Ok(()),
            Some(_) if given == secret.password => Err(LoginError::TokenMissing),
            _ => Err(LoginError::Invalid),
        }
    }
}

impl Org {
    /// The active user with this user name, in any case.
    pub(crate) fn user_named(&self, username: &str) -> Option<String> {
        let (at, user) = self.schema.find("User")?;
        let (name, _) = user.field("Username")?;
        let (active, _) = user.field("IsActive")?;
        let mut store = self.store.write();
        let slots = store.with_value(at, name, username.as_bytes());
        slots.into_iter().find_map(|slot| {
            let row = store.slot(at, slot)?.row.as_deref()?;
            // The integration user is generated, and generated users are active or not by chance.
            let on = slot == 0 || text(row, active) != Some("false");
            on.then(|| id_of(row).to_owned())
        })
    }

    /// The user who has this name and this password.
    pub(crate) fn log_in(&self, username: &str, password: &str) -> Result<String, LoginError> {
        let user = self.user_named(username).ok_or(LoginError::Invalid)?;
        self.logins.read().check(&user, password)?;
        Ok(user)
    }

    /// A field of a user; empty for a null.
    pub(crate) fn user_field(&self, user: &str, name: &str) -> String {
        let found = id::parse(user).and_then(|id| {
            let (at, slot) = self.schema.locate(&id)?;
            let (field, _) = self.schema.object(at)?.field(name)?;
            let store = self.store.read();
            text(store.slot(at, slot)?.row.as_deref()?, field).map(str::to_owned)
        });
        found.unwrap_or_default()
    }

    /// A field of the one `Organization` record.
    pub(crate) fn organization_field(&self, name: &str) -> String {
        self.user_field(&self.org_id(), name)
    }
}
