//! A filter ready to be asked about stored records, with the meaning that it has in Salesforce.
//!
//! Every condition is true or false, also of null, so that NOT is the opposite of what stands behind it (SOQL: Logical
//! Operators, "true if fieldExpressionX is false"). Conditions on parents are answered from sets of Ids that are read
//! first, from the far end of the path: memory is bounded, and every object is read in one pass.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Comparison;
use super::resolve::Target;
use super::{Calendar, CheckedFilter, Filter, Parents, Step};

/// Access to the fields of a record.
pub trait Record {
    /// The text as Salesforce sent it; nothing for null and for a field that there is not.
    fn text(&self, field: &str) -> Option<&str>;
}

impl Record for BTreeMap<String, Option<String>> {
    fn text(&self, field: &str) -> Option<&str> {
        self.get(field)?.as_deref()
    }
}

/// Decides which records a filter chooses, at one time.
#[derive(Debug, Clone)]
pub struct Selection {
    root: Node,
    pub(super) tests: Vec<Test>,
}

#[derive(Debug, Clone)]
enum Node {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Test(usize),
}

/// One condition, and where its value is.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) target: Target,
    comparison: Comparison,
}

impl Selection {
    pub(super) fn new(checked: &CheckedFilter, calendar: &Calendar) -> Self {
        let mut selection = Self {
            root: Node::All(Vec::new()),
            tests: Vec::new(),
        };
        selection.root = selection.node(&checked.filter, checked, calendar);
        selection
    }

    fn node(&mut self, filter: &Filter, checked: &CheckedFilter, calendar: &Calendar) -> Node {
        let mut all = |members: &[Filter]| {
            members
                .iter()
                .map(|member| self.node(member, checked, calendar))
                .collect()
        };
        match filter {
            Filter::All(members) => Node::All(all(members)),
            Filter::Any(members) => Node::Any(all(members)),
            Filter::Not(inner) => Node::Not(Box::new(self.node(inner, checked, calendar))),
            Filter::Test(condition) => {
                let number = self.tests.len();
                // The check made one target for every condition, in this order.
                if let Some((target, kind)) = checked.targets.get(number) {
                    let comparison = Comparison::new(*kind, condition, calendar);
                    self.tests.push(Test {
                        target: target.clone(),
                        comparison,
                    });
                }
                Node::Test(number)
            }
        }
    }

    /// The columns of the record that [`matches`](Self::matches) looks at.
    pub fn columns(&self) -> BTreeSet<&str> {
        let columns = self
            .tests
            .iter()
            .flat_map(|test| match test.target.hops.first() {
                Some(hop) => vec![hop.reference.as_str()],
                None => test.target.columns.values().map(String::as_str).collect(),
            });
        columns.collect()
    }

    /// What has to be known of parents first, in the order in which it has to be found out.
    pub fn steps(&self) -> Vec<Step<'_>> {
        let tests = self.tests.iter().enumerate();
        tests
            .flat_map(|(number, test)| {
                let hops = (0..test.target.hops.len()).rev();
                hops.map(move |hop| Step {
                    selection: self,
                    number,
                    hop,
                })
            })
            .collect()
    }

    /// Whether the record is one of those that the filter chooses.
    pub fn matches(&self, record: &impl Record, parents: &Parents) -> bool {
        self.holds(&self.root, record, parents)
    }

    fn holds(&self, node: &Node, record: &impl Record, parents: &Parents) -> bool {
        match node {
            Node::All(members) => members.iter().all(|node| self.holds(node, record, parents)),
            Node::Any(members) => members.iter().any(|node| self.holds(node, record, parents)),
            Node::Not(inner) => !self.holds(inner, record, parents),
            Node::Test(number) => self.tests.get(*number).is_some_and(|test| {
                let Some(hop) = test.target.hops.first() else {
                    let column = test.target.columns.values().next();
                    return test.holds(column.and_then(|column| record.text(column)));
                };
                let otherwise = parents.contains(*number, 0, record.text(&hop.reference));
                otherwise != test.holds(None)
            }),
        }
    }
}

impl Test {
    /// Whether the condition holds for the text in its column.
    pub(super) fn holds(&self, text: Option<&str>) -> bool {
        let Some(types) = &self.target.type_names else {
            return self.comparison.holds(text);
        };
        let name = text.and_then(|id| types.iter().find(|(prefix, _)| id.starts_with(prefix)));
        self.comparison.holds(name.map(|(_, name)| name.as_str()))
    }
}
