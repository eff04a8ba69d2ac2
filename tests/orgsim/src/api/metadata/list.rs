//! `describeMetadata` and `listMetadata`.

use axum::response::Response;

use super::file_properties;
use crate::{
    metadata::kind::Kind,
    org::Org,
    soap::{Call, Element, Fault},
};

/// Most queries of a call.
const QUERIES_MAX: usize = 3;
/// Types of folders, and what lies in them.
const FOLDERS: [(&str, &str); 4] = [
    ("DashboardFolder", "Dashboard"),
    ("DocumentFolder", "Document"),
    ("EmailFolder", "EmailTemplate"),
    ("ReportFolder", "Report"),
];

/// The types of the org.
pub(super) fn describe(call: &Call) -> Response {
    call.answer(|xml| {
        xml.within("result", |xml| {
            for kind in Kind::files() {
                xml.within("metadataObjects", |xml| {
                    for (child, _) in &kind.children {
                        xml.leaf("childXmlNames", child);
                    }
                    xml.leaf("directoryName", kind.directory);
                    xml.plain("inFolder", kind.in_folder);
                    xml.plain("metaFile", kind.meta_file);
                    if let Some(suffix) = kind.suffix {
                        xml.leaf("suffix", suffix);
                    }
                    xml.leaf("xmlName", kind.name);
                });
            }
            xml.empty("organizationNamespace");
            xml.plain("partialSaveAllowed", true);
            xml.plain("testRequired", false);
        });
    })
}

/// The components of up to three types.
pub(super) fn list(org: &Org, call: &Call) -> Result<Response, Fault> {
    let queries: Vec<&Element> = call.operation.all("queries").collect();
    if queries.len() > QUERIES_MAX {
        return Err(Fault::new(
            "LIMIT_EXCEEDED",
            format!("The number of queries in listMetadata exceeds the limit: {QUERIES_MAX}"),
        ));
    }
    let mut found = Vec::new();
    for query in queries {
        let name = query.given("type").unwrap_or_default();
        let folders = FOLDERS.iter().find(|(folder, _)| *folder == name);
        let kind = Kind::named(folders.map_or(name, |(_, kind)| kind));
        let kind =
            kind.ok_or_else(|| Fault::new("INVALID_TYPE", format!("Unknown type:{name}")))?;
        let folder = query.given("folder");
        let listed = org.catalogue(|catalogue| catalogue.list(kind));
        for listed in listed {
            let wanted = match (kind.in_folder, folders, listed.name.split_once('/')) {
                (false, _, _) => true,
                (true, Some(_), inside) => inside.is_none(),
                (true, None, Some((inside, _))) => folder == Some(inside),
                (true, None, None) => false,
            };
            if wanted {
                let kind_name = folders.map_or(kind.name, |(folder, _)| folder);
                found.push((kind, kind_name, listed));
            }
        }
    }
    Ok(call.answer(|xml| {
        for (kind, kind_name, listed) in &found {
            let path = kind.path(&listed.name);
            xml.within("result", |xml| {
                file_properties(xml, org, kind_name, &path, listed);
            });
        }
    }))
}
