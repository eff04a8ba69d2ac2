//! Every registered error code has a page, and every page a code.

use super::Finding;

pub(super) const REGISTRY: &str = "crates/model/src/error.rs";

/// `pages` are the names of the files in `docs/errors`, without their ending.
pub(super) fn check(registry: &str, pages: &[String]) -> Vec<Finding> {
    let codes: Vec<&str> = registry.lines().filter_map(code).collect();
    let mut findings = Vec::new();
    if codes.is_empty() {
        findings.push(Finding::new(REGISTRY, "no error code was found"));
    }
    for code in &codes {
        if !pages.iter().any(|page| page == code) {
            findings.push(Finding::new(
                REGISTRY,
                format!("`{code}` has no page docs/errors/{code}.md"),
            ));
        }
    }
    for page in pages.iter().filter(|page| *page != "README") {
        if !codes.contains(&page.as_str()) {
            findings.push(Finding::new(
                format!("docs/errors/{page}.md"),
                "there is no such error code",
            ));
        }
    }
    findings
}

/// The code that a line of the registry declares: `Variant = "CODE", Class, "hint";`.
fn code(line: &str) -> Option<&str> {
    let (variant, rest) = line.trim().split_once(" = \"")?;
    let (code, rest) = rest.split_once('"')?;
    let is_code = code.starts_with(|c: char| c.is_ascii_uppercase())
        && code.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    (is_code && rest.starts_with(", ") && variant.chars().all(char::is_alphanumeric))
        .then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY_TEXT: &str = r#"
    /// One.
    PageShort = "PAGE_SHORT", Integrity, "nothing was kept";
    /// Two.
    Internal = "INTERNAL", Internal, "report it";
    "#;

    fn pages(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn codes_and_pages_that_agree_pass() {
        assert_eq!(
            check(REGISTRY_TEXT, &pages(&["INTERNAL", "PAGE_SHORT", "README"])),
            []
        );
    }

    #[test]
    fn a_code_without_page_and_a_page_without_code_are_found() {
        let findings = check(REGISTRY_TEXT, &pages(&["INTERNAL", "GONE"]));
        assert_eq!(findings.len(), 2);
        assert!(findings[0].message.contains("PAGE_SHORT"));
        assert!(findings[1].place.contains("GONE"));
    }

    #[test]
    fn a_registry_that_cannot_be_read_is_found() {
        assert_eq!(check("", &[]).len(), 1);
    }
}
