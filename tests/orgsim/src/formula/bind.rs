//! Names become field numbers, seen from one object.

use super::{
    FormulaError,
    bound::{Bound, Hop, Node, Source},
    function::Function,
    parser::Expression,
};
use crate::schema::{Field, Kind, Schema};

/// Looks up every name of a formula.
pub(super) fn bind(
    schema: &Schema,
    at: usize,
    expression: &Expression,
) -> Result<Bound, FormulaError> {
    Binder { schema, at }.bind(expression, false).map(Bound)
}

struct Binder<'s> {
    schema: &'s Schema,
    at: usize,
}

impl Binder<'_> {
    /// `picks`: a picklist field may stand here.
    fn bind(&self, expression: &Expression, picks: bool) -> Result<Node, FormulaError> {
        Ok(match expression {
            Expression::Text(text) => Node::Text(text.clone()),
            Expression::Number(number) => Node::Number(*number),
            Expression::Truth(truth) => Node::Truth(*truth),
            Expression::Null => Node::Null,
            Expression::Name(name) => Node::Name(self.source(name, picks)?),
            Expression::Not(inner) => Node::Not(Box::new(self.bind(inner, false)?)),
            Expression::Minus(inner) => Node::Minus(Box::new(self.bind(inner, false)?)),
            Expression::Pair(operator, left, right) => Node::Pair(
                *operator,
                Box::new(self.bind(left, false)?),
                Box::new(self.bind(right, false)?),
            ),
            Expression::Call(function, arguments) => self.call(*function, arguments)?,
        })
    }

    fn call(&self, function: Function, arguments: &[Expression]) -> Result<Node, FormulaError> {
        let mut bound = Vec::with_capacity(arguments.len());
        for (place, argument) in arguments.iter().enumerate() {
            let first = place == 0;
            let is_field = matches!(argument, Expression::Name(_));
            // `ISPICKVAL(PRIORVALUE(Status), "New")` is about a field too.
            let of_field =
                is_field || matches!(argument, Expression::Call(Function::PriorValue, _));
            if first && function.of_field() && !of_field {
                return Err(FormulaError::new(format!(
                    "Incorrect parameter type for function '{}()'. Expected Field",
                    function.name()
                )));
            }
            bound.push(self.bind(argument, first && function.takes_picklist())?);
        }
        Ok(Node::Call(function, bound))
    }

    fn source(&self, name: &str, picks: bool) -> Result<Source, FormulaError> {
        let parts: Vec<&str> = name.split('.').collect();
        let unknown = || unknown_field(name);
        let object = |name: &str| self.schema.find(name).map(|(at, _)| at).ok_or_else(unknown);
        let (head, rest) = parts.split_first().ok_or_else(unknown)?;
        match (head.to_ascii_lowercase().as_str(), rest) {
            ("$permission", [permission]) => Ok(Source::Permission((*permission).to_owned())),
            ("$setup", [setting, field]) => {
                let at = object(setting)?;
                let setting = self.schema.object(at).filter(|found| found.custom_setting);
                let (number, _) = setting
                    .ok_or_else(unknown)?
                    .field(field)
                    .ok_or_else(unknown)?;
                Ok(Source::Setting(at, number))
            }
            ("$user", path) => Ok(Source::User(self.path(
                object("User")?,
                path,
                picks,
                name,
            )?)),
            ("$profile", path) => self.of_user("Profile", path, picks, name),
            ("$userrole", path) => self.of_user("UserRole", path, picks, name),
            ("$organization", path) => {
                let at = object("Organization")?;
                Ok(Source::Organization(at, self.path(at, path, picks, name)?))
            }
            (global, _) if global.starts_with('$') => Err(unknown()),
            _ => Ok(Source::Record(self.path(self.at, &parts, picks, name)?)),
        }
    }

    fn of_user(
        &self,
        relationship: &str,
        path: &[&str],
        picks: bool,
        name: &str,
    ) -> Result<Source, FormulaError> {
        let user = self
            .schema
            .find("User")
            .ok_or_else(|| unknown_field(name))?;
        let path: Vec<&str> = [relationship]
            .into_iter()
            .chain(path.iter().copied())
            .collect();
        Ok(Source::User(self.path(user.0, &path, picks, name)?))
    }

    /// The fields along a path, for every object that it can lead to.
    fn path(
        &self,
        from: usize,
        parts: &[&str],
        picks: bool,
        name: &str,
    ) -> Result<Vec<Hop>, FormulaError> {
        let unknown = || unknown_field(name);
        let (last, relationships) = parts.split_last().ok_or_else(unknown)?;
        let mut objects = vec![from];
        let mut path = Vec::with_capacity(parts.len());
        for relationship in relationships {
            // `Owner:User` names one of several targets.
            let (relationship, target) = relationship.split_once(':').unwrap_or((relationship, ""));
            let mut hop = Hop::default();
            let mut targets = Vec::new();
            for at in &objects {
                let Some((number, field)) = self.reference(*at, relationship) else {
                    continue;
                };
                hop.0.push((*at, number));
                targets.extend(field.targets.iter().copied().filter(|at| {
                    let found = self.schema.object(*at);
                    // A queue is a group.
                    let target = if target.eq_ignore_ascii_case("Queue") {
                        "Group"
                    } else {
                        target
                    };
                    target.is_empty()
                        || found.is_some_and(|found| found.name.eq_ignore_ascii_case(target))
                }));
            }
            if hop.0.is_empty() || targets.is_empty() {
                return Err(unknown());
            }
            path.push(hop);
            objects = targets;
        }
        let mut hop = Hop::default();
        for at in objects {
            let Some((number, field)) = self.schema.object(at).and_then(|o| o.field(last)) else {
                continue;
            };
            let picklist = matches!(field.kind, Kind::Picklist | Kind::MultiPicklist);
            if picklist && !picks {
                return Err(FormulaError::new(format!(
                    "Field {name} is a picklist field. Picklist fields are only supported in certain functions."
                )));
            }
            hop.0.push((at, number));
        }
        if hop.0.is_empty() {
            return Err(unknown());
        }
        path.push(hop);
        Ok(path)
    }

    fn reference(&self, at: usize, relationship: &str) -> Option<(usize, &Field)> {
        let mut fields = self.schema.object(at)?.fields.iter().enumerate();
        fields.find(|(_, field)| {
            let name = field.relationship.as_deref();
            name.is_some_and(|name| name.eq_ignore_ascii_case(relationship))
        })
    }
}

fn unknown_field(name: &str) -> FormulaError {
    FormulaError::new(format!("Field {name} does not exist. Check spelling."))
}
