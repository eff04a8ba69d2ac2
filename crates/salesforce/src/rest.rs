//! REST queries, page by page.

use std::borrow::Cow;
use std::collections::HashMap;

use holdfast_model::{ErrorCode, Failure, ObjectName, SalesforceId};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::answer::{CallError, read_json};
use crate::call::{Answer, Call};
use crate::client::Client;
use crate::name::Columns;
use crate::rows::{RowBatch, RowSink, damaged};
use crate::soql::Scope;

/// Ids that one call retrieves (REST guide, sObject Collections).
pub const IDS_PER_CALL: usize = 2_000;

/// Where further pages are; an address elsewhere would carry the token away.
const NEXT_PREFIX: &str = "/services/data/";

impl Client {
    /// Starts a query that sees all rows (`queryAll`); nothing is asked before the first page.
    pub fn query_all(&self, soql: &str, columns: &Columns) -> QueryPages<'_> {
        self.query(soql, columns, Scope::All)
    }

    /// The same for the rows of a scope.
    pub fn query(&self, soql: &str, columns: &Columns, scope: Scope) -> QueryPages<'_> {
        let first = Call::get(self.path(scope.resource())).query("q", soql);
        QueryPages {
            client: self,
            columns: columns.clone(),
            next: Some(first),
            total_size: None,
            rows: 0,
        }
    }
}

impl Client {
    /// The records of some Ids, up to [`IDS_PER_CALL`], as far as users see them: of one that is deleted, or that nobody
    /// knows, there is no row. The columns must have the Id, by which rows are told apart (REST guide, sObject Collections).
    pub async fn retrieve(
        &self,
        object: &ObjectName,
        ids: &[SalesforceId],
        columns: &Columns,
    ) -> Result<RowBatch, Failure> {
        let list: Vec<_> = ids.iter().map(SalesforceId::to_string).collect();
        let body = json!({"ids": list, "fields": columns.names()});
        let call = Call::ask(self.path(&format!("composite/sobjects/{object}")), &body);
        let read = |answer: Answer| {
            let records: Vec<Option<Record<'_>>> = read_json(answer.status, &answer.body)?;
            if records.len() != ids.len() {
                return Err(damaged("an answer is about other records than were asked for").into());
            }
            rows(records.iter().flatten(), columns, answer.body.len())
        };
        Ok(self.ask(&call, read).await?)
    }
}

/// A query under way. Every page is read whole.
pub struct QueryPages<'a> {
    client: &'a Client,
    columns: Columns,
    next: Option<Call<'static>>,
    total_size: Option<u64>,
    rows: u64,
}

impl QueryPages<'_> {
    /// The rows of the next page, or nothing after the last.
    ///
    /// `COUNT_MISMATCH` together with the last page when the rows of all pages are not `totalSize`;
    /// `MARKER_MISSING` when a page is neither the last nor says where the next is.
    pub async fn next_page(&mut self) -> Result<Option<RowBatch>, Failure> {
        let Some(call) = self.next.take() else {
            return Ok(None);
        };
        let read = |answer| read_page(&answer, &self.columns);
        let page = self.client.ask(&call, read).await?;
        let total_size = *self.total_size.get_or_insert(page.total_size);
        self.rows += page.rows.len() as u64;
        match page.next {
            Some(next) => self.next = Some(Call::get(next)),
            None if self.rows == total_size => {}
            None => {
                return Err(Failure::new(
                    ErrorCode::CountMismatch,
                    format!("`{}` rows came, the query has `{total_size}`", self.rows),
                ));
            }
        }
        Ok(Some(page.rows))
    }

    /// Rows of the whole query; known after the first page.
    pub fn total_size(&self) -> Option<u64> {
        self.total_size
    }
}

impl std::fmt::Debug for QueryPages<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryPages")
            .field("total_size", &self.total_size)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// REST guide, Query. Values stay JSON text: a number must not become a float on its way.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage<'a> {
    total_size: u64,
    done: bool,
    next_records_url: Option<String>,
    #[serde(borrow)]
    records: Vec<Record<'a>>,
}

/// Fields by name.
type Record<'a> = HashMap<&'a str, &'a RawValue>;

#[derive(Debug)]
struct Page {
    total_size: u64,
    next: Option<String>,
    rows: RowBatch,
}

fn read_page(answer: &Answer, columns: &Columns) -> Result<Page, CallError> {
    let page: WirePage<'_> = read_json(answer.status, &answer.body)?;
    let next = match page.next_records_url {
        _ if page.done => None,
        Some(next) if next.starts_with(NEXT_PREFIX) => Some(next),
        Some(_) => return Err(damaged("address of the next page is malformed").into()),
        None => {
            let marker = "page is not the last and does not say where the next is";
            return Err(Failure::new(ErrorCode::MarkerMissing, marker).into());
        }
    };
    Ok(Page {
        total_size: page.total_size,
        next,
        rows: rows(page.records.iter(), columns, answer.body.len())?,
    })
}

/// The columns of some records; `bytes` of JSON at most.
fn rows<'r, 'a: 'r>(
    records: impl Iterator<Item = &'r Record<'a>>,
    columns: &Columns,
    bytes: usize,
) -> Result<RowBatch, CallError> {
    let width = columns.names().len();
    let mut sink = RowSink::new(width, None, bytes.min(1 << 20));
    let mut ends = Vec::with_capacity(width);
    for record in records {
        ends.clear();
        for name in columns.names() {
            let value = record
                .get(name.as_str())
                .ok_or_else(|| damaged("a record lacks a selected field"))?;
            sink.write(text(value)?.as_bytes())?;
            ends.push(sink.row_bytes());
        }
        sink.end_row(&ends)?;
    }
    Ok(sink.finish()?)
}

/// A text without its quotes and escapes, a number or boolean as it stands, null as the empty text.
fn text(value: &RawValue) -> Result<Cow<'_, str>, Failure> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => match json
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
        {
            Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
            _ => serde_json::from_str(json)
                .map(Cow::Owned)
                .map_err(|_| damaged("a text is malformed")),
        },
        Some(b'{' | b'[') => Err(damaged(
            "a value is an object, compound fields are not selected",
        )),
        _ if json == "null" => Ok(Cow::Borrowed("")),
        _ => Ok(Cow::Borrowed(json)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    fn page(body: &str) -> Result<Page, Failure> {
        let answer = Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        let columns = ["Id", "Name", "Amount__c", "Active__c"];
        Ok(read_page(
            &answer,
            &columns.map(str::to_owned).into_iter().collect(),
        )?)
    }

    fn record(name: &str, amount: &str) -> String {
        format!(
            r#"{{"attributes":{{"type":"X","url":"/services/data/v62.0/sobjects/X/a00"}},"Id":"a00",
                "Name":{name},"Amount__c":{amount},"Active__c":true}}"#
        )
    }

    fn one(name: &str, amount: &str) -> Result<Page, Failure> {
        let record = record(name, amount);
        page(&format!(
            r#"{{"totalSize":1,"done":true,"records":[{record}]}}"#
        ))
    }

    #[test]
    fn values_are_the_text_that_was_sent() {
        for (name, amount, expected) in [
            (
                r#""Äcme \"x\"\n😀\u00e9\u0000""#,
                "1.10",
                (Some("Äcme \"x\"\n😀é\0"), Some("1.10")),
            ),
            (
                "\"plain\"",
                "123456789012345678",
                (Some("plain"), Some("123456789012345678")),
            ),
            (
                "null",
                "12345678901234.56",
                (None, Some("12345678901234.56")),
            ),
            ("\"\"", "1.0E-7", (None, Some("1.0E-7"))),
            ("\"null\"", "null", (Some("null"), None)),
        ] {
            let page = one(name, amount).unwrap();
            let row = page.rows.row(0);
            assert_eq!((row.value(1), row.value(2)), expected);
            assert_eq!((row.value(0), row.value(3)), (Some("a00"), Some("true")));
        }
    }

    #[test]
    fn a_record_that_is_not_flat_or_lacks_a_field_is_damage() {
        assert_eq!(
            one(r#"{"city":"Ulm"}"#, "1").unwrap_err().code,
            ErrorCode::DamagedAnswer
        );
        let lacking = page(r#"{"totalSize":1,"done":true,"records":[{"Id":"a00"}]}"#);
        assert_eq!(lacking.unwrap_err().code, ErrorCode::DamagedAnswer);
    }

    #[test]
    fn the_next_page_is_on_the_same_instance_or_nowhere() {
        let next = |url: &str| {
            page(&format!(
                r#"{{"totalSize":9,"done":false{url},"records":[]}}"#
            ))
        };
        let good = next(r#","nextRecordsUrl":"/services/data/v62.0/query/01g-2000""#).unwrap();
        assert_eq!(good.next.unwrap(), "/services/data/v62.0/query/01g-2000");
        for url in ["https://evil.example/services/data/", "//evil.example/", ""] {
            let failure = next(&format!(r#","nextRecordsUrl":"{url}""#)).unwrap_err();
            assert_eq!(failure.code, ErrorCode::DamagedAnswer, "{url}");
        }
        assert_eq!(next("").unwrap_err().code, ErrorCode::MarkerMissing);
    }

    #[test]
    fn no_failure_quotes_a_record() {
        for body in [
            r#"{"totalSize":"HUSH","done":true,"records":[]}"#,
            r#"{"totalSize":1,"done":true,"records":["HUSH"]}"#,
            r#"{"totalSize":1,"done":true,"records":[{"Name":"HUSH"#,
            "<html>HUSH</html>",
        ] {
            let failure = page(body).unwrap_err();
            assert_eq!(failure.code, ErrorCode::DamagedAnswer);
            assert!(!failure.message.contains("HUSH"), "{failure}");
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_json(name in "\\PC{0,40}[\"\\\\\u{0}-\u{1f}]{0,4}") {
            let json = serde_json::to_string(&name).unwrap();
            let page = one(&json, "1").unwrap();
            prop_assert_eq!(page.rows.row(0).value(1).unwrap_or_default(), name);
        }

        #[test]
        fn arbitrary_json_never_panics(body in "[{}\\[\\]\",:a-zA-Z0-9]{0,120}") {
            let _ = page(&body);
        }
    }
}
