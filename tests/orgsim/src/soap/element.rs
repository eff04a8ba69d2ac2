//! XML documents as trees, read with limits: nothing is expanded but the entities that XML itself has, and neither
//! depth nor number of elements is the sender's to choose.

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::ResolveResult,
};

/// Deepest nesting of a document.
const DEPTH_MAX: usize = 100;
/// Elements of a document; a megabyte of the shortest tags has fewer.
const ELEMENTS_MAX: usize = 1_000_000;

/// One element: its name, and either text or children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Name without prefix.
    pub name: String,
    /// Namespace of the name; empty when there is none.
    pub namespace: String,
    /// `xsi:type` without prefix.
    pub kind: Option<String>,
    /// `xsi:nil`
    pub nil: bool,
    /// The text between the tags.
    pub text: String,
    /// The elements between the tags.
    pub children: Vec<Self>,
}

impl Element {
    /// Reads a document; the text says what is wrong with it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "document is not UTF-8".to_owned())?;
        let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
        // The outermost one stands for the document.
        let mut open = vec![Self::default()];
        let mut elements = 0_usize;
        loop {
            let (namespace, event) = reader.read_resolved_event().map_err(|e| e.to_string())?;
            match event {
                Event::Start(_) | Event::Empty(_) if elements == ELEMENTS_MAX => {
                    return Err("too many elements".to_owned());
                }
                Event::Start(_) if open.len() > DEPTH_MAX => {
                    return Err("too many levels".to_owned());
                }
                Event::Start(tag) => {
                    elements += 1;
                    open.push(Self::of(&namespace, &tag)?);
                }
                Event::Empty(tag) => {
                    elements += 1;
                    let element = Self::of(&namespace, &tag)?;
                    innermost(&mut open)?.children.push(element);
                }
                Event::End(_) => {
                    let closed = open.pop().unwrap_or_default();
                    innermost(&mut open)?.children.push(closed);
                }
                Event::Text(text) => {
                    innermost(&mut open)?.text.push_str(&text.xml10_content());
                }
                Event::CData(text) => {
                    innermost(&mut open)?.text.push_str(&text.xml10_content());
                }
                Event::GeneralRef(entity) => {
                    let letter = match entity.resolve_char_ref().map_err(|e| e.to_string())? {
                        Some(letter) => letter,
                        None => predefined(&entity.xml10_content()).ok_or("unknown entity")?,
                    };
                    innermost(&mut open)?.text.push(letter);
                }
                Event::DocType(_) => return Err("DOCTYPE is not allowed".to_owned()),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        match (open.pop(), open.is_empty()) {
            (Some(mut document), true) if document.children.len() == 1 => {
                Ok(document.children.remove(0))
            }
            _ => Err("document ends early".to_owned()),
        }
    }

    /// The first child called `name`.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Every child called `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child called `name`; nothing for a null.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let child = self.child(name).filter(|child| !child.nil)?;
        Some(child.text.as_str())
    }

    /// The texts of the children called `name`.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).map(|child| child.text.as_str())
    }

    /// The first child called `name` says `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        // In any case: simple-salesforce writes `True`, and Salesforce understands it.
        self.value(name)
            .map(str::trim)
            .is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("true"))
    }

    fn of(namespace: &ResolveResult<'_>, tag: &BytesStart<'_>) -> Result<Self, String> {
        let mut element = Self {
            name: tag.local_name().as_ref().to_owned(),
            ..Self::default()
        };
        if let ResolveResult::Bound(namespace) = namespace {
            namespace.as_ref().clone_into(&mut element.namespace);
        }
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            // `type` and `nil` mean something with a prefix only, and the only prefix in use is that of xsi.
            if attribute.key.prefix().is_none() {
                continue;
            }
            let value = || attribute.normalized_value(XmlVersion::Implicit1_0);
            match attribute.key.local_name().as_ref() {
                "type" => {
                    let value = value().map_err(|e| e.to_string())?;
                    let local = value.rsplit(':').next().unwrap_or_default();
                    element.kind = Some(local.to_owned());
                }
                "nil" => {
                    let value = value().map_err(|e| e.to_string())?;
                    element.nil = matches!(value.trim(), "true" | "1");
                }
                _ => {}
            }
        }
        Ok(element)
    }
}

fn innermost(open: &mut [Element]) -> Result<&mut Element, String> {
    open.last_mut()
        .ok_or_else(|| "unexpected end tag".to_owned())
}

/// The entities that every document has.
fn predefined(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::soap::Xml;

    #[test]
    fn names_lose_their_prefix_and_keep_their_namespace() {
        let text = "<a:x xmlns:a='urn:one' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>\
                    <y xsi:type='a:Kind' xsi:nil='true'/><a:z> 1 &lt;&#50;<![CDATA[&]]></a:z></a:x>";
        let root = Element::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (root.name.as_str(), root.namespace.as_str()),
            ("x", "urn:one")
        );
        let y = root.child("y").unwrap();
        assert_eq!((y.kind.as_deref(), y.nil), (Some("Kind"), true));
        assert_eq!(root.value("y"), None);
        assert_eq!(root.value("z"), Some(" 1 <2&"));
    }

    #[test]
    fn what_could_blow_up_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>";
        assert_eq!(
            Element::parse(bomb.as_bytes()),
            Err("DOCTYPE is not allowed".to_owned())
        );
        assert_eq!(
            Element::parse(b"<a>&b;</a>"),
            Err("unknown entity".to_owned())
        );
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        assert_eq!(
            Element::parse(deep.as_bytes()),
            Err("too many levels".to_owned())
        );
        assert_eq!(
            Element::parse(b"<a><b></b>"),
            Err("document ends early".to_owned())
        );
        assert!(Element::parse(b"<a></b>").is_err());
        assert!(Element::parse(b"").is_err());
        assert!(Element::parse(b"\xff\xfe").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Element::parse(&bytes);
        }

        #[test]
        fn a_text_survives_writing_and_reading(text in "[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{fffe}\u{ffff}]{0,200}") {
            let mut xml = Xml::default();
            xml.within("a", |xml| xml.leaf("b", &text));
            let root = Element::parse(xml.text().as_bytes()).unwrap();
            prop_assert_eq!(root.value("b"), Some(text.as_str()));
        }
    }
}
