//! XML on its way out.

/// A growing piece of XML.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    out: String,
}

impl Xml {
    /// An element around what `content` writes. `tag` may carry attributes.
    pub(crate) fn within(&mut self, tag: &str, content: impl FnOnce(&mut Self)) {
        self.open(tag);
        content(self);
        self.close(tag);
    }

    /// A start tag; `tag` may carry attributes.
    pub(crate) fn open(&mut self, tag: &str) {
        self.out.push('<');
        self.out.push_str(tag);
        self.out.push('>');
    }

    /// The end tag of `tag`, whose attributes are left out.
    pub(crate) fn close(&mut self, tag: &str) {
        self.out.push_str("</");
        self.out
            .push_str(tag.split_once(' ').map_or(tag, |(name, _)| name));
        self.out.push('>');
    }

    /// An element that holds a text.
    pub(crate) fn leaf(&mut self, tag: &str, text: &str) {
        if text.is_empty() {
            return self.empty(tag);
        }
        self.open(tag);
        self.push_text(text);
        self.close(tag);
    }

    /// An element that holds what prints without reserved characters: numbers and truth values.
    pub(crate) fn plain(&mut self, tag: &str, value: impl std::fmt::Display) {
        self.leaf(tag, &value.to_string());
    }

    /// An element without content.
    pub(crate) fn empty(&mut self, tag: &str) {
        self.out.push('<');
        self.out.push_str(tag);
        self.out.push_str("/>");
    }

    /// A null.
    pub(crate) fn nil(&mut self, tag: &str) {
        self.empty(&format!("{tag} xsi:nil=\"true\""));
    }

    /// A text, or a null.
    pub(crate) fn maybe(&mut self, tag: &str, text: Option<&str>) {
        match text {
            Some(text) => self.leaf(tag, text),
            None => self.nil(tag),
        }
    }

    /// Adds XML as it is.
    pub(crate) fn raw(&mut self, xml: &str) {
        self.out.push_str(xml);
    }

    /// What was written.
    pub(crate) fn text(&self) -> &str {
        &self.out
    }

    /// Escapes what has a meaning in XML, and the carriage return, which readers would turn into a line feed.
    /// Characters that XML cannot hold are left out.
    fn push_text(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&apos;"),
                '\r' => self.out.push_str("&#13;"),
                '\t' | '\n' => self.out.push(letter),
                '\0'..' ' | '\u{fffe}' | '\u{ffff}' => {}
                _ => self.out.push(letter),
            }
        }
    }
}
