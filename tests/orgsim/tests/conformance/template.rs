//! Templates that cassettes make their answers of: a file with `{name}` or `{name:default}` in it, and what the cassette
//! says of the names.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

/// Templates by the name of their file.
#[derive(Debug)]
pub(crate) struct Templates(BTreeMap<String, String>);

impl Templates {
    /// Those among `files`.
    pub(crate) fn load(files: &[PathBuf]) -> Self {
        let templates = files
            .iter()
            .filter(|file| file.extension().is_some_and(|kind| kind == "tpl"));
        let read = templates.filter_map(|file| {
            let name = file.file_name()?.to_string_lossy().into_owned();
            // The recorder masked the version.
            let text = fs::read_to_string(file).ok()?.replace("vxx.0", "60.0");
            Some((name, text))
        });
        Self(read.collect())
    }

    /// The text that a cassette means, if it names a template.
    pub(crate) fn filled(&self, meant: &Value) -> Option<String> {
        let mut rest = self
            .0
            .get(meant["include_template"].as_str()?)
            .expect("a template that is among the recordings")
            .as_str();
        let mut out = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').expect("a place that ends");
            let (name, default) = place.split_once(':').unwrap_or((place, ""));
            out.push_str(before);
            out.push_str(meant["vars"][name].as_str().unwrap_or(default));
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }
}
