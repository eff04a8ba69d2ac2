//! Tasks and events: whom and what they are about, when they are done, when they begin and end.
//!
//! Sources: Object Reference, Task and Event (`AccountId`, `WhoId`, `WhatId`, `StartDateTime`, `EndDateTime`,
//! `DurationInMinutes`, `IsAllDayEvent`); what public clients report of the refusals.

use super::{Save, SaveError, proposal::Proposal};
use crate::{clock::utc_datetime, store::parse_datetime};

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;
/// Events of several days are on, as in orgs made today: at most 14 days.
const LONGEST_MINUTES: i64 = 14 * DAY_MINUTES;

impl Save<'_> {
    /// A task is closed by its status.
    pub(super) fn task(&self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        self.who_and_what(new)?;
        let closed = new.get("Status") == Some("Completed");
        new.set("IsClosed", Some(closed.to_string()));
        let high = new.get("Priority") == Some("High");
        new.set("IsHighPriority", Some(high.to_string()));
        new.set_default("TaskSubtype", "Task");
        if !closed {
            new.set("CompletedDateTime", None);
        } else if new.old("IsClosed") != Some("true") {
            new.set("CompletedDateTime", Some(utc_datetime(self.stamp_ms)));
        }
        Ok(())
    }

    /// An event's beginning, end and length agree.
    pub(super) fn event(&self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        self.who_and_what(new)?;
        new.set_default("EventSubtype", "Event");
        new.set_default("ShowAs", "Busy");
        let named = [
            "StartDateTime",
            "ActivityDateTime",
            "ActivityDate",
            "DurationInMinutes",
            "EndDateTime",
            "IsAllDayEvent",
        ];
        if !new.is_new() && !named.iter().any(|field| new.given(field)) {
            return Ok(());
        }
        let all_day = new.is_true("IsAllDayEvent");
        let Some(start) = start(new, all_day)? else {
            let missing: &[&str] = if all_day {
                &["ActivityDate"]
            } else {
                &["DurationInMinutes", "ActivityDateTime"]
            };
            return Err(SaveError::missing(missing));
        };
        let minutes = minutes(new, start, all_day)?;
        if !(0..=LONGEST_MINUTES).contains(&minutes) {
            return Err(SaveError::of(
                "FIELD_INTEGRITY_EXCEPTION",
                format!("Duration must be between 0 and {LONGEST_MINUTES} minutes: Duration"),
                "DurationInMinutes",
            ));
        }
        // The last day of an event of whole days is the day on which it still runs.
        let end = if all_day {
            start + (minutes - DAY_MINUTES).max(0) * MINUTE_MS
        } else {
            start + minutes * MINUTE_MS
        };
        let moment = utc_datetime(start);
        let day = |moment: &str| moment.get(..10).map(str::to_owned);
        new.set("ActivityDate", day(&moment));
        new.set("EndDate", day(&utc_datetime(end)));
        new.set("EndDateTime", Some(utc_datetime(end)));
        new.set("DurationInMinutes", Some(minutes.to_string()));
        new.set(
            "ActivityDateTime",
            Some(moment.clone()).filter(|_| !all_day),
        );
        new.set("StartDateTime", Some(moment));
        Ok(())
    }

    /// A lead has no business with other records, and the account follows from both references.
    fn who_and_what(&self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        if !new.is_new() && !new.given("WhoId") && !new.given("WhatId") {
            return Ok(());
        }
        let who = new.owned("WhoId");
        let what = new.owned("WhatId");
        let kind = |id: &Option<String>| id.as_deref().and_then(|id| self.object_of(id));
        if what.is_some() && kind(&who) == Some("Lead") {
            return Err(SaveError::of_all(
                "FIELD_INTEGRITY_EXCEPTION",
                "field integrity exception: WhoId, WhatId (a lead cannot be related to another record)",
                &["WhoId", "WhatId"],
            ));
        }
        let account = match kind(&what) {
            Some("Account") => what,
            Some("Opportunity" | "Contract") => self.value_of(what.as_deref(), "AccountId"),
            _ if kind(&who) == Some("Contact") => self.value_of(who.as_deref(), "AccountId"),
            _ => None,
        };
        new.set("AccountId", account);
        Ok(())
    }
}

/// When an event begins, from whichever field says so.
fn start(new: &Proposal<'_>, all_day: bool) -> Result<Option<i64>, SaveError> {
    let midnight = |day: &str| parse_datetime(format!("{day}T00:00:00.000Z").as_bytes());
    let moment = |field: &str| {
        let text = new.get(field)?;
        if all_day {
            midnight(text.get(..10)?)
        } else {
            parse_datetime(text.as_bytes())
        }
    };
    let day = || new.get("ActivityDate").and_then(midnight);
    let given = |field: &str| new.given(field).then(|| moment(field)).flatten();
    let (start, activity) = (given("StartDateTime"), given("ActivityDateTime"));
    if let (Some(start), Some(activity)) = (start, activity)
        && start != activity
    {
        return Err(SaveError::of(
            "FIELD_INTEGRITY_EXCEPTION",
            "field integrity exception: StartDateTime, ActivityDateTime (must be equal, or one of them empty)",
            "ActivityDateTime",
        ));
    }
    let given_day = || {
        new.given("ActivityDate")
            .then(day)
            .flatten()
            .filter(|_| all_day)
    };
    Ok(start
        .or(activity)
        .or_else(given_day)
        .or_else(|| moment("StartDateTime"))
        .or_else(|| moment("ActivityDateTime"))
        .or_else(|| day().filter(|_| all_day)))
}

/// How long an event lasts, from its length or its end.
fn minutes(new: &Proposal<'_>, start: i64, all_day: bool) -> Result<i64, SaveError> {
    let length = |field: &str| new.get(field)?.parse::<i64>().ok();
    let end = new
        .get("EndDateTime")
        .and_then(|end| parse_datetime(end.as_bytes()));
    let until = |end: i64| {
        let span = (end - start).div_euclid(MINUTE_MS);
        if all_day {
            // An end that is a day itself counts as a whole one.
            (span.div_euclid(DAY_MINUTES) + 1) * DAY_MINUTES
        } else {
            span
        }
    };
    let given_end = end.filter(|_| new.given_value("EndDateTime")).map(until);
    let given_length = new
        .given_value("DurationInMinutes")
        .then(|| length("DurationInMinutes"))
        .flatten();
    match (given_length, given_end) {
        (Some(length), Some(end)) if length != end && !all_day => Err(SaveError::of_all(
            "FIELD_INTEGRITY_EXCEPTION",
            "field integrity exception: DurationInMinutes, EndDateTime (the end must be the start plus the duration)",
            &["DurationInMinutes", "EndDateTime"],
        )),
        (Some(length), _) => Ok(length),
        (None, Some(end)) => Ok(end),
        (None, None) => match length("DurationInMinutes").filter(|_| !new.is_new()) {
            Some(length) => Ok(length),
            None if all_day => Ok(DAY_MINUTES),
            None => Err(SaveError::missing(&["DurationInMinutes"])),
        },
    }
}
