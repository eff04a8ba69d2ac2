//! What an org is started with.

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, time::Duration};

use jiff::Timestamp;

/// Everything that a start decides. [`Config::default`] is a small org on a free port.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on.
    pub bind: IpAddr,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Generated records over all objects.
    pub records: usize,
    /// Exact numbers for single objects, on top of `records`.
    pub objects: BTreeMap<String, usize>,
    /// Same seed, same data.
    pub seed: u64,
    /// Characters 4 and 5 of every Id: orgs of different pods share no Id.
    pub pod: [u8; 2],
    /// What the org's clock says at the start; wall time when absent.
    pub now: Option<Timestamp>,
    /// How long a Bulk job takes.
    pub bulk_delay: Duration,
    /// Rows of a Bulk result page when the client does not say.
    pub page_rows: usize,
    /// How long an access token lives, by the org's clock.
    pub session: Duration,
    /// `DailyApiRequests`.
    pub daily_api_requests: usize,
    /// Compress answers for clients that ask for it.
    pub gzip: bool,
    /// Folder that keeps what the org is told, so that it survives its process; nothing keeps it when absent.
    pub state: Option<PathBuf>,
    /// Accounts can be people, with a record type and a contact of their own.
    pub person_accounts: bool,
    /// Who may log in.
    pub credentials: Credentials,
}

/// The one app and the one user of the org.
#[derive(Clone)]
pub struct Credentials {
    /// Consumer key.
    pub client_id: String,
    /// Consumer secret.
    pub client_secret: String,
    /// A refresh token that the org honours from the start.
    pub refresh_token: String,
    /// Every refresh returns a new refresh token and ends the old one.
    pub rotate_refresh_token: bool,
    /// User name of the integration user.
    pub username: String,
    /// Password of the integration user, for SOAP `login` and the username-password flow.
    pub password: String,
    /// What has to follow the password; nothing when callers come from a trusted network.
    pub security_token: Option<String>,
    /// PEM public key or certificate for the JWT bearer flow.
    pub jwt_public_key: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: IpAddr::from([127, 0, 0, 1]),
            port: 0,
            records: 1_000,
            objects: BTreeMap::new(),
            seed: 1,
            pod: crate::id::POD,
            now: None,
            bulk_delay: Duration::ZERO,
            page_rows: 50_000,
            session: Duration::from_hours(2),
            daily_api_requests: 5_000_000,
            gzip: false,
            state: None,
            person_accounts: false,
            credentials: Credentials::default(),
        }
    }
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            client_id: "holdfast-demo".to_owned(),
            client_secret: "demo-secret".to_owned(),
            refresh_token: "demo-refresh-token".to_owned(),
            rotate_refresh_token: false,
            username: "backup@acme.example".to_owned(),
            password: "demo-password".to_owned(),
            security_token: None,
            jwt_public_key: None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
