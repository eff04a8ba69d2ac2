//! The content of a component: a tree of elements, its order and its text in a file.

use crate::soap::{Element, Xml};

/// Namespace of the Metadata API.
const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XSD: &str = "http://www.w3.org/2001/XMLSchema";

impl Element {
    /// An element without content.
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Adds an element that holds a text.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "numbers and truth values are given as they are"
    )]
    pub(crate) fn put(&mut self, name: &str, text: impl ToString) -> &mut Self {
        self.children.push(Self {
            text: text.to_string(),
            ..Self::named(name)
        });
        self
    }

    /// Adds an element that holds a text, if there is one.
    pub(crate) fn maybe(&mut self, name: &str, text: Option<impl ToString>) -> &mut Self {
        if let Some(text) = text {
            self.put(name, text);
        }
        self
    }

    /// Adds an element.
    pub(crate) fn push(&mut self, name: &str, mut child: Self) -> &mut Self {
        name.clone_into(&mut child.name);
        self.children.push(child);
        self
    }

    /// Adds the elements of `from` whose names are not there.
    pub(crate) fn add_missing(&mut self, from: Self) {
        let new = from
            .children
            .into_iter()
            .filter(|child| self.child(&child.name).is_none())
            .collect::<Vec<_>>();
        self.children.extend(new);
    }

    /// The text of a child in place of the one it has.
    pub(crate) fn set(&mut self, name: &str, text: &str) {
        match self.children.iter_mut().find(|child| child.name == name) {
            Some(child) => text.clone_into(&mut child.text),
            None => {
                self.put(name, text);
            }
        }
    }

    /// The text of a child that is there and not empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.value(name)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    /// Takes the full name out.
    pub(crate) fn take_name(&mut self) -> Option<String> {
        let at = self
            .children
            .iter()
            .position(|child| child.name == "fullName")?;
        Some(self.children.remove(at).text.trim().to_owned()).filter(|name| !name.is_empty())
    }

    /// Sorts the children by name, at every level, as the org prints objects and their parts: the full name first.
    pub(crate) fn sort(&mut self) {
        self.children
            .sort_by(|a, b| (a.name != "fullName", &a.name).cmp(&(b.name != "fullName", &b.name)));
        for child in &mut self.children {
            child.sort();
        }
    }

    /// Drops the namespaces and the white space between the elements, which carry nothing here.
    pub(crate) fn strip(&mut self) {
        self.namespace.clear();
        if !self.children.is_empty() {
            self.text.clear();
        }
        for child in &mut self.children {
            child.strip();
        }
    }

    /// The same content, whatever the order of its parts.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let (mut one, mut two) = (self.clone(), other.clone());
        for element in [&mut one, &mut two] {
            element.strip();
            element.sort();
        }
        one == two
    }

    /// Writes the element, indented, or on one line.
    pub(crate) fn write(&self, xml: &mut Xml, indent: Option<usize>) {
        let pad = |xml: &mut Xml, depth: usize| {
            if indent.is_some() {
                xml.raw(&" ".repeat(4 * depth));
            }
        };
        let depth = indent.unwrap_or(0);
        let mut tag = self.name.clone();
        if let Some(kind) = &self.kind {
            let simple = kind.starts_with(char::is_lowercase);
            tag.push_str(if simple {
                " xsi:type=\"xsd:"
            } else {
                " xsi:type=\""
            });
            tag.push_str(kind);
            tag.push('"');
        }
        pad(xml, depth);
        if self.nil {
            xml.nil(&tag);
        } else if self.children.is_empty() {
            if self.text.is_empty() {
                // Not the short form: this is how the org writes an empty value.
                xml.open(&tag);
                xml.close(&tag);
            } else {
                xml.leaf(&tag, &self.text);
            }
        } else {
            xml.open(&tag);
            if indent.is_some() {
                xml.raw("\n");
            }
            for child in &self.children {
                child.write(xml, indent.map(|depth| depth + 1));
            }
            pad(xml, depth);
            xml.close(&tag);
        }
        if indent.is_some() {
            xml.raw("\n");
        }
    }

    /// The file of a component of type `kind`.
    pub(crate) fn document(&self, kind: &str) -> String {
        let mut xml = Xml::default();
        for child in &self.children {
            child.write(&mut xml, Some(1));
        }
        let content = xml.text();
        let mut root = format!("{kind} xmlns=\"{NAMESPACE}\"");
        if content.contains(" xsi:") {
            root = format!("{root} xmlns:xsi=\"{XSI}\"");
        }
        if content.contains("\"xsd:") {
            root = format!("{root} xmlns:xsd=\"{XSD}\"");
        }
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>\n{content}</{kind}>\n")
    }
}

/// A name as Salesforce makes it of a label or prints it for people.
pub(crate) fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !text.ends_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_what_was_read() {
        let text = "<CustomMetadata xmlns=\"http://soap.sforce.com/2006/04/metadata\" \
                    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                    xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><label>A &amp; B</label>\
                    <values><field>X__c</field><value xsi:type=\"xsd:string\">1</value></values>\
                    <values><field>Y__c</field><value xsi:nil=\"true\"/></values></CustomMetadata>";
        let mut read = Element::parse(text.as_bytes()).unwrap();
        read.strip();
        let written = read.document("CustomMetadata");
        assert!(
            written.contains("    <label>A &amp; B</label>\n"),
            "{written}"
        );
        assert!(
            written.contains("<value xsi:type=\"xsd:string\">1</value>"),
            "{written}"
        );
        assert!(written.contains("<value xsi:nil=\"true\"/>"), "{written}");
        let mut again = Element::parse(written.as_bytes()).unwrap();
        again.strip();
        assert_eq!(read, again);
    }

    #[test]
    fn order_does_not_matter_to_what_is_the_same() {
        let read = |text: &str| Element::parse(text.as_bytes()).unwrap();
        let one = read("<a><x>1</x> <fullName>n</fullName></a>");
        assert!(one.same(&read("<a><fullName>n</fullName><x>1</x></a>")));
        assert!(!one.same(&read("<a><fullName>n</fullName><x>2</x></a>")));
        let mut sorted = read("<a><b/><x>1</x><fullName>n</fullName></a>");
        sorted.sort();
        assert_eq!(sorted.children[0].name, "fullName");
        assert_eq!(sorted.take_name().as_deref(), Some("n"));
    }
}
