//! Event log files: the calls of an hour and of a day by type, as CSV that the API serves later. Off until a test
//! switches event monitoring on.
//!
//! Sources: Object Reference, `EventLogFile` (`Interval`, `Sequence`, `LogDate`); REST API Developer Guide, Using Event
//! Monitoring (when files appear); columns of `API` and `Login` as in files that others published, those of the other
//! types as far as they can be known here. A cell that this org knows nothing for is empty.

use std::{collections::BTreeMap, fmt::Write as _};

use axum::{
    body::HttpBody as _,
    extract::Request,
    http::{HeaderMap, header},
    response::Response,
};

use crate::{
    api::gate::bearer,
    clock::utc_datetime,
    org::Org,
    soap::Element,
    store::{Store, Visible, row::RowWriter},
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Hourly files appear three to six hours after the hour, daily ones in the small hours of the next day.
const DELAY_MS: i64 = 3 * HOUR_MS;
/// Events that are kept of an hour.
const EVENTS_MAX: usize = 100_000;

/// A type of events: its name, and the columns besides those that all types begin and end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum EventType {
    Api,
    BulkApi,
    BulkApi2,
    Login,
    RestApi,
}

const FIRST: [&str; 10] = [
    "EVENT_TYPE",
    "TIMESTAMP",
    "REQUEST_ID",
    "ORGANIZATION_ID",
    "USER_ID",
    "RUN_TIME",
    "CPU_TIME",
    "URI",
    "SESSION_KEY",
    "LOGIN_KEY",
];
const LAST: [&str; 4] = [
    "TIMESTAMP_DERIVED",
    "USER_ID_DERIVED",
    "CLIENT_IP",
    "URI_ID_DERIVED",
];

impl EventType {
    fn of(path: &str) -> Option<Self> {
        if path.starts_with("/services/Soap/") {
            Some(Self::Api)
        } else if path.starts_with("/services/async/") {
            Some(Self::BulkApi)
        } else if path.starts_with("/services/data/") {
            let bulk = path.contains("/jobs/ingest") || path.contains("/jobs/query");
            Some(if bulk { Self::BulkApi2 } else { Self::RestApi })
        } else {
            None
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::BulkApi => "BulkApi",
            Self::BulkApi2 => "BulkApi2",
            Self::Login => "Login",
            Self::RestApi => "RestApi",
        }
    }

    const fn own(self) -> &'static [&'static str] {
        match self {
            Self::Api => &[
                "REQUEST_STATUS",
                "DB_TOTAL_TIME",
                "API_TYPE",
                "API_VERSION",
                "CLIENT_NAME",
                "METHOD_NAME",
                "ENTITY_NAME",
                "ROWS_PROCESSED",
                "REQUEST_SIZE",
                "RESPONSE_SIZE",
                "DB_BLOCKS",
                "DB_CPU_TIME",
            ],
            Self::Login => &[
                "USER_TYPE",
                "REQUEST_STATUS",
                "DB_TOTAL_TIME",
                "BROWSER_TYPE",
                "API_TYPE",
                "API_VERSION",
                "USER_NAME",
                "TLS_PROTOCOL",
                "CIPHER_SUITE",
                "AUTHENTICATION_METHOD_REFERENCE",
            ],
            Self::BulkApi | Self::BulkApi2 | Self::RestApi => &[
                "USER_TYPE",
                "REQUEST_STATUS",
                "DB_TOTAL_TIME",
                "METHOD",
                "MEDIA_TYPE",
                "STATUS_CODE",
                "USER_AGENT",
                "ROWS_PROCESSED",
                "NUMBER_FIELDS",
                "REQUEST_SIZE",
                "RESPONSE_SIZE",
                "ENTITY_NAME",
                "DB_BLOCKS",
                "DB_CPU_TIME",
            ],
        }
    }

    fn columns(self) -> impl Iterator<Item = &'static str> {
        let beyond: &[&str] = match self {
            Self::Login => &["LOGIN_STATUS", "SOURCE_IP"],
            _ => &[],
        };
        FIRST
            .iter()
            .chain(self.own())
            .chain(&LAST)
            .chain(beyond)
            .copied()
    }
}

/// What `LogFileFieldTypes` says of a column.
fn column_type(column: &str) -> &'static str {
    match column {
        "TIMESTAMP" | "TIMESTAMP_DERIVED" => "DateTime",
        "REQUEST_ID" | "ORGANIZATION_ID" | "USER_ID" | "USER_ID_DERIVED" | "URI_ID_DERIVED" => "Id",
        "RUN_TIME" | "CPU_TIME" | "DB_TOTAL_TIME" | "STATUS_CODE" | "ROWS_PROCESSED"
        | "NUMBER_FIELDS" | "REQUEST_SIZE" | "RESPONSE_SIZE" | "DB_BLOCKS" | "DB_CPU_TIME" => {
            "Number"
        }
        "CLIENT_IP" | "SOURCE_IP" => "IP",
        _ => "String",
    }
}

/// One event: its type, when and who, and the cells that are known besides.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    kind: EventType,
    at_ms: i64,
    user: String,
    cells: Vec<(&'static str, String)>,
}

/// Events that are not in a file yet, by the hour and the day that they belong to.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    hours: BTreeMap<i64, Vec<Event>>,
    days: BTreeMap<i64, Vec<Event>>,
}

impl EventLog {
    fn note(&mut self, event: Event) {
        let hour = self.hours.entry(event.at_ms.div_euclid(HOUR_MS));
        let hour = hour.or_default();
        if hour.len() >= EVENTS_MAX {
            return;
        }
        hour.push(event.clone());
        let day = self.days.entry(event.at_ms.div_euclid(DAY_MS));
        day.or_default().push(event);
    }
}

/// Takes the hours or days out of `open` whose files are due.
fn take_due(
    open: &mut BTreeMap<i64, Vec<Event>>,
    length_ms: i64,
    now_ms: i64,
) -> Vec<(i64, Vec<Event>)> {
    let mut taken = Vec::new();
    while let Some((number, _)) = open.first_key_value() {
        if (number + 1) * length_ms + DELAY_MS > now_ms {
            break;
        }
        taken.extend(open.pop_first());
    }
    taken
}

impl Org {
    /// The event that a call will be; nothing when nobody watches, or for a call of nobody.
    pub(crate) fn watch(&self, request: &Request, body: &[u8]) -> Option<Event> {
        if !self.tuning.read().event_monitoring {
            return None;
        }
        let path = request.uri().path();
        let kind = EventType::of(path)?;
        let headers = request.headers();
        let mut cells = vec![
            ("URI", path.to_owned()),
            ("METHOD", request.method().to_string()),
            ("REQUEST_SIZE", body.len().to_string()),
            ("USER_TYPE", "Standard".to_owned()),
            ("USER_AGENT", text(headers, "user-agent").to_owned()),
        ];
        let user = if kind == EventType::Api {
            let envelope = Element::parse(body).ok()?;
            let operation = envelope.child("Body")?.children.first()?;
            let session = envelope.child("Header")?.child("SessionHeader")?;
            let version = path.split('/').nth(4).unwrap_or_default();
            cells.push(("METHOD_NAME", operation.name.clone()));
            cells.push(("API_VERSION", version.to_owned()));
            cells.push(("API_TYPE", api_type(path).to_owned()));
            self.user_of(session.value("sessionId").unwrap_or_default().trim())
        } else if kind == EventType::BulkApi {
            self.user_of(text(headers, "x-sfdc-session"))
        } else {
            self.user_of(bearer(headers).unwrap_or_default())
        };
        Some(Event {
            kind,
            at_ms: self.clock.now_ms(),
            user: user?,
            cells,
        })
    }

    /// Remembers a call with its answer.
    pub(crate) fn watched(&self, mut event: Event, response: &Response) {
        let status = response.status();
        let cells = &mut event.cells;
        cells.push(("STATUS_CODE", status.as_u16().to_string()));
        let ran = self.clock.now_ms() - event.at_ms;
        cells.push(("RUN_TIME", ran.to_string()));
        let outcome = if status.is_success() { "S" } else { "F" };
        cells.push(("REQUEST_STATUS", outcome.to_owned()));
        let media = text(response.headers(), header::CONTENT_TYPE.as_str());
        cells.push(("MEDIA_TYPE", media.to_owned()));
        if let Some(bytes) = response.body().size_hint().exact() {
            cells.push(("RESPONSE_SIZE", bytes.to_string()));
        }
        self.event_log.lock().note(event);
    }

    /// Remembers that a user logged in: over OAuth, or with the `login` of an interface that has a letter.
    pub(crate) fn note_login(&self, user: &str, path: &str, letter: &str) {
        if !self.tuning.read().event_monitoring {
            return;
        }
        let cells = vec![
            ("URI", path.to_owned()),
            ("USER_TYPE", "Standard".to_owned()),
            ("REQUEST_STATUS", "Success".to_owned()),
            ("API_TYPE", letter.to_owned()),
            ("LOGIN_STATUS", "LOGIN_NO_ERROR".to_owned()),
        ];
        self.event_log.lock().note(Event {
            kind: EventType::Login,
            at_ms: self.clock.now_ms(),
            user: user.to_owned(),
            cells,
        });
    }

    fn user_of(&self, token: &str) -> Option<String> {
        self.sessions.lock().user(token, self.clock.now_ms())
    }

    /// Writes the files whose time has come. Not to be called by who holds the store, or inside a transaction.
    pub(crate) fn write_event_logs(&self) {
        let now = self.clock.now_ms();
        let (hours, days) = {
            let mut log = self.event_log.lock();
            if log.days.is_empty() {
                return;
            }
            (
                take_due(&mut log.hours, HOUR_MS, now),
                take_due(&mut log.days, DAY_MS, now),
            )
        };
        if hours.is_empty() && days.is_empty() {
            return;
        }
        let mut store = self.store.write();
        for (interval, length_ms, sequence, files) in [
            ("Hourly", HOUR_MS, "1", hours),
            ("Daily", DAY_MS, "0", days),
        ] {
            for (number, events) in files {
                let mut kinds: BTreeMap<EventType, Vec<(usize, &Event)>> = BTreeMap::new();
                for (place, event) in events.iter().enumerate() {
                    kinds.entry(event.kind).or_default().push((place, event));
                }
                let start = utc_datetime(number * length_ms);
                for (kind, events) in kinds {
                    let body = self.csv(kind, number, &events);
                    self.add_event_log(&mut store, kind, [interval, sequence, &start], body);
                }
            }
        }
    }

    fn csv(&self, kind: EventType, number: i64, events: &[(usize, &Event)]) -> String {
        let mut out = String::new();
        line(&mut out, kind.columns().map(str::to_owned));
        let org = self.org_id();
        for (place, event) in events {
            let iso = utc_datetime(event.at_ms);
            let digits: String = iso.chars().filter(char::is_ascii_digit).collect();
            let (seconds, millis) = digits.split_at_checked(14).unwrap_or((&digits, "000"));
            line(
                &mut out,
                kind.columns().map(|column| match column {
                    "EVENT_TYPE" => kind.name().to_owned(),
                    "TIMESTAMP" => format!("{seconds}.{millis}"),
                    "TIMESTAMP_DERIVED" => iso.clone(),
                    "REQUEST_ID" => format!("TID:{number:010}{place:010}"),
                    "ORGANIZATION_ID" => org.get(..15).unwrap_or_default().to_owned(),
                    "USER_ID" => event.user.get(..15).unwrap_or_default().to_owned(),
                    "USER_ID_DERIVED" => event.user.clone(),
                    "CLIENT_IP" | "SOURCE_IP" => "127.0.0.1".to_owned(),
                    _ => {
                        let mut cells = event.cells.iter();
                        let cell = cells.find(|(name, _)| *name == column);
                        cell.map(|(_, value)| value.clone()).unwrap_or_default()
                    }
                }),
            );
        }
        out
    }

    fn add_event_log(
        &self,
        store: &mut Store,
        kind: EventType,
        [interval, sequence, start]: [&str; 3],
        body: String,
    ) {
        let Some((at, object)) = self.schema.find("EventLogFile") else {
            return;
        };
        let slot = store.next_slot(at);
        let id = object.mint.id(slot);
        let now = utc_datetime(self.clock.now_second_ms());
        let user = self.user_id();
        let length = format!("{}.0", body.len());
        let names: Vec<&str> = kind.columns().collect();
        let types: Vec<&str> = kind.columns().map(column_type).collect();
        let (names, types) = (names.join(","), types.join(","));
        let mut writer = RowWriter::default();
        for field in &object.fields {
            match field.name.as_str() {
                "Id" => writer.value(&id),
                "IsDeleted" => writer.value(b"false"),
                "CreatedDate" | "LastModifiedDate" | "SystemModstamp" => {
                    writer.value(now.as_bytes());
                }
                "CreatedById" | "LastModifiedById" => writer.value(user.as_bytes()),
                "EventType" => writer.value(kind.name().as_bytes()),
                "LogDate" => writer.value(start.as_bytes()),
                "LogFileLength" => writer.value(length.as_bytes()),
                "LogFileContentType" => writer.value(b"text/csv"),
                "ApiVersion" => writer.value(b"60.0"),
                "Sequence" => writer.value(sequence.as_bytes()),
                "Interval" => writer.value(interval.as_bytes()),
                "LogFileFieldNames" => writer.value(names.as_bytes()),
                "LogFileFieldTypes" => writer.value(types.as_bytes()),
                _ => writer.null(),
            }
        }
        store.insert(at, writer.finish(), Visible::Now, self.clock.now_ms());
        if let Some((number, _)) = object.field("LogFile") {
            store.set_body(at, slot, number, body.into());
        }
    }
}

/// Every cell in quotes, as the platform writes them.
fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    for (place, cell) in cells.enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(out, "{comma}\"{}\"", cell.replace('"', "\"\""));
    }
    out.push('\n');
}

/// `API_TYPE`: P for the partner interface, E for the enterprise one, m for metadata.
fn api_type(path: &str) -> &'static str {
    match path.split('/').nth(3) {
        Some("u") => "P",
        Some("c") => "E",
        Some("m") => "m",
        _ => "",
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}
