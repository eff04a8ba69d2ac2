//! Files: a version makes or extends its document, and a document is linked to its owner.
//!
//! Sources: Object Reference, `ContentVersion`, `ContentDocument`, `ContentDocumentLink`, Document; what public clients
//! report of the refusals.

use super::{Save, SaveError, delete::Record, platform::Stamps, proposal::Proposal, value_of};
use crate::{clock::utc_datetime, schema::Object, store::row::Row};

impl Save<'_> {
    /// Derives what a version says of its file; a first version gets a document.
    pub(super) fn content_version(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        if !new.is_new() {
            return only_the_latest(new);
        }
        let link = new.get("ContentUrl").is_some();
        let missing: Vec<&str> = [
            ("PathOnClient", new.get("PathOnClient").is_some()),
            ("VersionData", new.has_body("VersionData")),
        ]
        .into_iter()
        .filter(|(_, there)| !there && !link)
        .map(|(field, _)| field)
        .collect();
        if !missing.is_empty() {
            return Err(SaveError::missing(&missing));
        }
        let path = new.owned("PathOnClient").unwrap_or_default();
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        if !stem.is_empty() {
            new.set_default("Title", stem);
        }
        new.set(
            "FileExtension",
            Some(extension.to_owned()).filter(|text| !text.is_empty()),
        );
        let kind = if link { "LINK" } else { file_type(extension) };
        new.set("FileType", Some(kind.to_owned()));
        new.set("PublishStatus", Some("P".to_owned()));
        new.set("IsLatest", Some("true".to_owned()));
        new.set_default("ContentModifiedDate", utc_datetime(self.stamp_ms));
        new.set("ContentModifiedById", Some(self.caller.user.clone()));
        let id = self.id_of(new.record);
        if !link {
            let url = format!("/services/data/v60.0/sobjects/ContentVersion/{id}/VersionData");
            new.set("VersionDataUrl", Some(url));
        }
        let number = if let Some(document) = new.owned("ContentDocumentId") {
            if new.given_value("FirstPublishLocationId") {
                return Err(SaveError::of(
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    "FirstPublishLocationId can only be set on the first version of a file",
                    "FirstPublishLocationId",
                ));
            }
            self.next_version(&document)
        } else {
            new.set("ContentDocumentId", self.new_document(new, &id));
            1
        };
        new.set("VersionNumber", Some(number.to_string()));
        Ok(())
    }

    /// The document follows its newest version, and older versions are not the latest any more.
    pub(super) fn content_version_saved(&mut self, record: Record, before: Option<&Row>) {
        let id = self.id_of(record);
        let Some(document) = self.value(record, "ContentDocumentId") else {
            return;
        };
        let Some(place) = self.named(&document) else {
            return;
        };
        if before.is_none() {
            for older in self.referring("ContentVersion", "ContentDocumentId", &document) {
                if older != record {
                    let stale = [("IsLatest", Some("false".to_owned()))];
                    self.adjust(older, &stale, Stamps::System);
                }
            }
        }
        let follows = [
            "Title",
            "ContentSize",
            "FileType",
            "FileExtension",
            "ContentModifiedDate",
        ];
        let mut values: Vec<(&str, Option<String>)> = follows
            .into_iter()
            .map(|field| (field, self.value(record, field)))
            .collect();
        values.push(("LatestPublishedVersionId", Some(id)));
        self.adjust(place, &values, Stamps::Audit);
        if before.is_none() && self.value(record, "VersionNumber").as_deref() == Some("1") {
            self.first_links(record, &document);
        }
    }

    /// The latest version has the document's title, and a new owner has a link.
    pub(super) fn content_document_saved(
        &mut self,
        object: &Object,
        record: Record,
        before: Option<&Row>,
    ) {
        let id = self.id_of(record);
        let latest = self.value(record, "LatestPublishedVersionId");
        if let Some(version) = latest.and_then(|latest| self.named(&latest)) {
            let title = [("Title", self.value(record, "Title"))];
            self.adjust(version, &title, Stamps::Audit);
        }
        let former = before.and_then(|row| value_of(row, object, "OwnerId").map(str::to_owned));
        let owner = self.value(record, "OwnerId");
        if former != owner
            && let Some(owner) = owner
        {
            match self.link_between(&id, &owner) {
                Some(link) => {
                    let owns = [("ShareType", Some("I".to_owned()))];
                    self.adjust(link, &owns, Stamps::System);
                }
                None => self.link(&id, &owner, "I"),
            }
        }
    }

    /// A document is linked to a record once.
    pub(super) fn content_document_link(
        &mut self,
        new: &mut Proposal<'_>,
    ) -> Result<(), SaveError> {
        new.set_default("ShareType", "V");
        new.set_default("Visibility", "AllUsers");
        let (true, Some(document), Some(entity)) = (
            new.is_new(),
            new.owned("ContentDocumentId"),
            new.owned("LinkedEntityId"),
        ) else {
            return Ok(());
        };
        if self.link_between(&document, &entity).is_some() {
            return Err(SaveError::of(
                "DUPLICATE_VALUE",
                format!(
                    "Document with ID: {document} is already linked with the entity with ID: {entity}"
                ),
                "LinkedEntityId",
            ));
        }
        Ok(())
    }

    /// The link between a document and its owner goes with the document only.
    pub(super) fn owner_link_stays(&self, record: Record) -> Result<(), SaveError> {
        let document = self.value(record, "ContentDocumentId");
        let owner = self.value_of(document.as_deref(), "OwnerId");
        if owner.is_some() && owner == self.value(record, "LinkedEntityId") && !self.caller.by_test
        {
            return Err(SaveError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                "field integrity exception",
            ));
        }
        Ok(())
    }

    /// A document of the old kind has an API name.
    pub(super) fn document(&self, new: &mut Proposal<'_>) {
        if let (true, Some(name)) = (new.is_new(), new.owned("Name")) {
            new.set_default("DeveloperName", developer_name(&name));
            new.set_default("AuthorId", self.caller.user.clone());
        }
    }

    fn next_version(&mut self, document: &str) -> usize {
        let versions = self.referring("ContentVersion", "ContentDocumentId", document);
        let numbers = versions.into_iter().filter_map(|version| {
            self.value(version, "VersionNumber")
                .and_then(|number| number.parse::<usize>().ok())
        });
        numbers.max().unwrap_or(0) + 1
    }

    fn new_document(&mut self, new: &Proposal<'_>, version: &str) -> Option<String> {
        let follows = [
            "Title",
            "OwnerId",
            "ContentSize",
            "FileType",
            "FileExtension",
            "ContentModifiedDate",
            "Description",
            "SharingOption",
            "SharingPrivacy",
        ];
        let mut values: Vec<(&str, Option<String>)> = follows
            .into_iter()
            .map(|field| (field, new.owned(field)))
            .collect();
        values.push(("PublishStatus", Some("P".to_owned())));
        values.push(("LatestPublishedVersionId", Some(version.to_owned())));
        let record = self.add("ContentDocument", &values)?;
        Some(self.id_of(record))
    }

    /// The owner sees his file, and so does who looks at the record where it was published.
    fn first_links(&mut self, version: Record, document: &str) {
        let owner = self.value(version, "OwnerId");
        if let Some(owner) = &owner {
            self.link(document, owner, "I");
        }
        let location = self.value(version, "FirstPublishLocationId");
        if let Some(location) = location.filter(|location| Some(location) != owner.as_ref()) {
            self.link(document, &location, "V");
        }
    }

    fn link(&mut self, document: &str, entity: &str, share: &str) {
        let values = [
            ("ContentDocumentId", Some(document.to_owned())),
            ("LinkedEntityId", Some(entity.to_owned())),
            ("ShareType", Some(share.to_owned())),
            ("Visibility", Some("AllUsers".to_owned())),
        ];
        self.add("ContentDocumentLink", &values);
    }

    fn link_between(&mut self, document: &str, entity: &str) -> Option<Record> {
        let links = self.referring("ContentDocumentLink", "ContentDocumentId", document);
        let mut links = links.into_iter();
        links.find(|link| self.value(*link, "LinkedEntityId").as_deref() == Some(entity))
    }
}

fn only_the_latest(new: &Proposal<'_>) -> Result<(), SaveError> {
    if new.is_true("IsLatest") {
        return Ok(());
    }
    Err(SaveError::new(
        "FIELD_INTEGRITY_EXCEPTION",
        "Only the latest version of a file can be updated",
    ))
}

/// A name that code can use: letters, digits and single underscores.
pub(super) fn developer_name(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() {
            text.push(letter);
        } else if !text.ends_with('_') {
            text.push('_');
        }
    }
    let text = text.trim_matches('_');
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        text.to_owned()
    } else {
        format!("X{text}")
    }
}

/// `FileType` as the platform derives it from the extension.
fn file_type(extension: &str) -> &'static str {
    match extension.to_ascii_lowercase().as_str() {
        "pdf" => "PDF",
        "doc" => "WORD",
        "docx" => "WORD_X",
        "xls" => "EXCEL",
        "xlsx" => "EXCEL_X",
        "ppt" => "POWER_POINT",
        "pptx" => "POWER_POINT_X",
        "txt" => "TEXT",
        "csv" => "CSV",
        "xml" => "XML",
        "htm" | "html" => "HTML",
        "png" => "PNG",
        "jpg" | "jpeg" => "JPG",
        "gif" => "GIF",
        "bmp" => "BMP",
        "svg" => "SVG",
        "tif" | "tiff" => "TIFF",
        "zip" => "ZIP",
        "json" => "JSON",
        "js" => "JS",
        "css" => "CSS",
        "rtf" => "RTF",
        "mp3" => "MP3",
        "mp4" => "MP4",
        "mov" => "MOV",
        "snote" => "SNOTE",
        _ => "UNKNOWN",
    }
}
