//! Recorded collections and composite requests as those of our org.

use serde_json::{Value, json};

use super::{
    names::is_id,
    recording::Exchange,
    replay::{Made, Replay, below, encode, no_stand_in},
    soql,
};

impl Replay<'_> {
    /// What lies below `/composite`.
    pub(crate) async fn composite(
        &mut self,
        root: &str,
        parts: &[&str],
        pairs: &[(String, String)],
        body: Option<Value>,
    ) -> Made<(String, Option<Value>)> {
        match parts {
            ["sobjects", rest @ ..] => self.collection(rest, pairs, body).await,
            [] => {
                let body = body.ok_or_else(|| "the recorder kept no body".to_owned())?;
                Ok((
                    "/composite".to_owned(),
                    Some(self.requests(root, body, "compositeRequest").await?),
                ))
            }
            ["batch"] => {
                let body = body.ok_or_else(|| "the recorder kept no body".to_owned())?;
                Ok((
                    "/composite/batch".to_owned(),
                    Some(self.requests(root, body, "batchRequests").await?),
                ))
            }
            ["graph"] => {
                let mut body = body.ok_or_else(|| "the recorder kept no body".to_owned())?;
                let graphs = body["graphs"].as_array().cloned().unwrap_or_default();
                let mut ours = Vec::new();
                for graph in graphs {
                    ours.push(self.requests(root, graph, "compositeRequest").await?);
                }
                body["graphs"] = Value::Array(ours);
                Ok(("/composite/graph".to_owned(), Some(body)))
            }
            other => Ok((format!("/composite{}", below(other)), body)),
        }
    }

    async fn collection(
        &mut self,
        rest: &[&str],
        pairs: &[(String, String)],
        body: Option<Value>,
    ) -> Made<(String, Option<Value>)> {
        if let Some((_, ids)) = pairs.iter().find(|(name, _)| name == "ids") {
            let mut ours = Vec::new();
            for (at, id) in ids.split(',').enumerate() {
                let object = self
                    .world
                    .object_of_id(id)
                    .map_or_else(|| "Project__c".to_owned(), ToOwned::to_owned);
                ours.push(self.row_id(&object, id, at).await?);
            }
            let ids = ours.join(",");
            let all = pairs
                .iter()
                .find(|(name, _)| name == "allOrNone")
                .map_or("false", |(_, all)| all.as_str());
            return Ok((
                format!(
                    "/composite/sobjects?{}",
                    encode(&[("ids", &ids), ("allOrNone", all)])
                ),
                None,
            ));
        }
        let mut body = body.ok_or_else(|| "the recorder kept no body".to_owned())?;
        let records = body["records"].as_array().cloned().unwrap_or_default();
        let mut ours = Vec::new();
        for (at, record) in records.iter().enumerate() {
            let kind = record["attributes"]["type"]
                .as_str()
                .or_else(|| rest.first().copied())
                .unwrap_or_default()
                .to_owned();
            let object = self.object(&kind).await?;
            let mut record = self.record(&object, record, at).await?;
            if self.exchange.method == "POST" && self.code_at(at).is_none() {
                record = self.world.filled(&object, &record).await;
            }
            ours.push(record);
        }
        body["records"] = Value::Array(ours);
        let path: String = below(rest);
        Ok((format!("/composite/sobjects{path}"), Some(body)))
    }

    /// The subrequests of a composite call, a batch or one graph.
    async fn requests(&mut self, root: &str, mut body: Value, key: &str) -> Made<Value> {
        let list = body[key].as_array().cloned().unwrap_or_default();
        let mut ours = Vec::new();
        for mut request in list {
            let url = request["url"].as_str().unwrap_or_default().to_owned();
            let (path, query) = url
                .split_once('?')
                .map_or((url.as_str(), ""), |(p, q)| (p, q));
            let parts: Vec<&str> = path
                .trim_matches('/')
                .split('/')
                .filter(|p| !p.is_empty() && *p != "services" && *p != "data")
                .skip(1)
                .collect();
            let method = request["method"].as_str().unwrap_or("GET").to_owned();
            let part = Exchange {
                method,
                body: None,
                status: 200,
                ..self.exchange.clone()
            };
            let body = request
                .get("body")
                .or_else(|| request.get("richInput"))
                .cloned();
            let (below, record) = match parts.as_slice() {
                ["sobjects", object, rest @ ..] => {
                    let mut below = format!("/sobjects/{}", self.object(object).await?);
                    let object = below["/sobjects/".len()..].to_owned();
                    for segment in rest {
                        let segment = if is_id(segment) {
                            self.row_id(&object, segment, usize::MAX).await?
                        } else {
                            (*segment).to_owned()
                        };
                        below.push('/');
                        below.push_str(&segment);
                    }
                    let record = match body {
                        Some(body) => {
                            let record = self.record(&object, &body, usize::MAX).await?;
                            let whole =
                                part.method == "POST" && !self.expects("REQUIRED_FIELD_MISSING");
                            Some(if whole {
                                self.world.filled(&object, &record).await
                            } else {
                                record
                            })
                        }
                        None => None,
                    };
                    (below, record)
                }
                ["query", ..] => {
                    let q = form_urlencoded::parse(query.as_bytes())
                        .find(|(name, _)| name == "q")
                        .map(|(_, q)| q.into_owned())
                        .unwrap_or_default();
                    let keep = self.expects("INVALID_TYPE");
                    let q = soql::translate(self.world, &mut self.names, &q, &[], keep)
                        .await
                        .ok_or_else(no_stand_in)?;
                    (format!("/query?{}", encode(&[("q", &q)])), None)
                }
                other => (
                    below(other) + if query.is_empty() { "" } else { "?" } + query,
                    body,
                ),
            };
            let prefix = if path.starts_with("/services") {
                root.to_owned()
            } else {
                root.trim_start_matches("/services/data/").to_owned()
            };
            request["url"] = json!(format!("{prefix}{below}"));
            if let Some(record) = record {
                let key = if request.get("richInput").is_some() {
                    "richInput"
                } else {
                    "body"
                };
                request[key] = record;
            }
            ours.push(request);
        }
        body[key] = Value::Array(ours);
        Ok(body)
    }
}
