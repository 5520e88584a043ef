//! From query text to a [`Filter`].

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::FilterError;
use super::ast::{Comparison, Element, Filter, Operand, Operands, Pattern, Test};
use super::path::{Path, join};
use crate::entity::Entity;
use crate::reserved::QUERY_WORDS;

/// How deep queries may stand in queries.
const MAX_DEPTH: usize = 32;
/// How many tests and connectives a query may have.
const MAX_NODES: usize = 1000;
/// How many values all its lists may have.
const MAX_VALUES: usize = 20_000;
/// How many patterns it may have.
const MAX_PATTERNS: usize = 32;
/// How much of a plain-text search is used, in characters.
const MAX_SEARCH: usize = 200;

/// Where a plain-text search looks (contract.md D).
const SEARCHED: [&str; 4] = ["title", "name", "name.first", "name.last"];

const CONNECTIVES: &str = "$and, $or, $nor and $not";
const OPERATORS: &str = "$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $all, $regex with $options, $exists, $size, $elemMatch and $not";

impl Filter {
    /// Reads the decoded pairs of a query string: every key is a filter, except `q`, which is a query, and the words of paging.
    ///
    /// A repeated key finds any of its values. A value that is also a number or a boolean finds both the text and that. A value
    /// that is a JSON object is a condition, as in `q`. Brackets at the end of a key, which some clients add to lists, mean nothing.
    ///
    /// # Errors
    /// When a query or a condition cannot be understood.
    pub fn from_pairs(pairs: &[(String, String)], entity: &Entity) -> Result<Self, FilterError> {
        let mut parser = Parser::new(&entity.aliases);
        let mut filters = Vec::new();
        let mut texts: Vec<(&str, Vec<Value>)> = Vec::new();
        for (key, text) in pairs {
            let key = key.strip_suffix("[]").unwrap_or(key);
            if key == "q" {
                filters.push(parser.text(text)?);
            } else if key.is_empty() || QUERY_WORDS.contains(&key) {
                continue;
            } else if let Some(condition) = object(text) {
                filters.push(parser.field(key, &condition, "", 0)?);
            } else if let Some((_, values)) = texts.iter_mut().find(|(other, _)| *other == key) {
                values.extend(readings(text));
            } else {
                // Counted here and not at the end, since each further pair looks among the keys so far.
                parser.spend_node(0)?;
                texts.push((key, readings(text)));
            }
        }
        for (key, values) in texts {
            filters.push(parser.any_of(key, values)?);
        }
        Ok(conjunction(filters))
    }

    /// Reads a `q` (contract.md D): MongoDB-style JSON if it begins like an object, and otherwise words to be found in the name or title.
    ///
    /// # Errors
    /// When it begins like an object and cannot be understood.
    pub fn from_text(text: &str, entity: &Entity) -> Result<Self, FilterError> {
        Parser::new(&entity.aliases).text(text)
    }

    /// Reads a MongoDB-style query.
    ///
    /// # Errors
    /// When it is not an object or cannot be understood.
    pub fn from_json(query: &Value, entity: &Entity) -> Result<Self, FilterError> {
        Parser::new(&entity.aliases).query("q", query, "", 0)
    }
}

/// A text's JSON object, if it is one.
fn object(text: &str) -> Option<Value> {
    if !text.starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// What a `key=value` text may stand for in a record.
fn readings(text: &str) -> Vec<Value> {
    let other = match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => serde_json::from_str::<Number>(text).ok().map(Value::Number),
    };
    [Value::String(text.to_owned())].into_iter().chain(other).collect()
}

/// One filter as it is, several (or none) joined.
fn join_filters(mut filters: Vec<Filter>, joined: fn(Vec<Filter>) -> Filter) -> Filter {
    if filters.len() > 1 {
        return joined(filters);
    }
    filters.pop().unwrap_or_else(|| joined(Vec::new()))
}

fn conjunction(filters: Vec<Filter>) -> Filter {
    join_filters(filters, Filter::And)
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

/// The state of one query's reading: what is left of its allowance.
struct Parser<'a> {
    aliases: &'a BTreeMap<String, Vec<String>>,
    nodes: usize,
    values: usize,
    patterns: usize,
}

/// The place of an operator.
struct Place<'a> {
    /// The path that it tests.
    path: &'a Path,
    /// That path from the top of the record.
    whole: &'a str,
    /// How many queries it stands in.
    depth: usize,
}

impl Place<'_> {
    fn test(&self, test: Test) -> Filter {
        Filter::Field { path: self.path.clone(), test }
    }

    fn needs(&self, operator: &'static str, needs: &'static str) -> FilterError {
        FilterError::Operand { operator, path: self.whole.to_owned(), needs }
    }
}

impl<'a> Parser<'a> {
    const fn new(aliases: &'a BTreeMap<String, Vec<String>>) -> Self {
        Self { aliases, nodes: 0, values: 0, patterns: 0 }
    }

    fn text(&mut self, text: &str) -> Result<Filter, FilterError> {
        let text = text.trim();
        if text.starts_with('{') {
            let query: Value =
                serde_json::from_str(text).map_err(|error| FilterError::Json(error.to_string()))?;
            return self.query("q", &query, "", 0);
        }
        match serde_json::from_str(text) {
            Ok(Value::String(words)) => self.search(&words),
            _ => self.search(text),
        }
    }

    /// The words, found in any case in the name or title.
    fn search(&mut self, words: &str) -> Result<Filter, FilterError> {
        if words.is_empty() {
            return Ok(Filter::everything());
        }
        let words: String = words.chars().take(MAX_SEARCH).collect();
        let pattern = Pattern::compile(&regex::escape(&words), "i", "q")?;
        let fields: Result<Vec<Filter>, FilterError> = SEARCHED
            .into_iter()
            .map(|path| Ok(Filter::Field { path: Path::new(path)?, test: Test::Regex(pattern.clone()) }))
            .collect();
        Ok(Filter::Or(fields?))
    }

    /// The values of a `key=value` filter.
    fn any_of(&mut self, key: &str, mut values: Vec<Value>) -> Result<Filter, FilterError> {
        let path = Path::with_aliases("", key, self.aliases)?;
        let test = match values.pop() {
            Some(only) if values.is_empty() => Test::Compare(Comparison::Equal, Operand::new(only)),
            last => {
                values.extend(last);
                self.spend_values(values.len())?;
                Test::In(Operands::new(values))
            }
        };
        Ok(Filter::Field { path, test })
    }

    /// A whole query below `parent`, the operand of `operator`.
    fn query(
        &mut self,
        operator: &'static str,
        query: &Value,
        parent: &str,
        depth: usize,
    ) -> Result<Filter, FilterError> {
        let Value::Object(clauses) = query else {
            return Err(FilterError::Operand { operator, path: parent.to_owned(), needs: "an object" });
        };
        self.spend_node(depth)?;
        let filters: Result<Vec<Filter>, FilterError> =
            clauses.iter().map(|(key, value)| self.clause(key, value, parent, depth)).collect();
        Ok(conjunction(filters?))
    }

    fn clause(
        &mut self,
        key: &str,
        value: &Value,
        parent: &str,
        depth: usize,
    ) -> Result<Filter, FilterError> {
        match key {
            "$and" => Ok(Filter::And(self.queries("$and", value, parent, depth)?)),
            "$or" => Ok(Filter::Or(self.queries("$or", value, parent, depth)?)),
            "$nor" => {
                let filters = self.queries("$nor", value, parent, depth)?;
                Ok(not(join_filters(filters, Filter::Or)))
            }
            "$not" => Ok(not(self.query("$not", value, parent, depth + 1)?)),
            unknown if unknown.starts_with('$') => Err(FilterError::Operator {
                operator: super::excerpt(unknown),
                path: parent.to_owned(),
                known: CONNECTIVES,
            }),
            path => self.field(path, value, parent, depth),
        }
    }

    fn queries(
        &mut self,
        operator: &'static str,
        list: &Value,
        parent: &str,
        depth: usize,
    ) -> Result<Vec<Filter>, FilterError> {
        match list {
            Value::Array(queries) if !queries.is_empty() => {
                queries.iter().map(|query| self.query(operator, query, parent, depth + 1)).collect()
            }
            _ => Err(FilterError::Operand {
                operator,
                path: parent.to_owned(),
                needs: "a list of at least one query",
            }),
        }
    }

    /// A field of a query: a condition of operators, or a value to equal.
    fn field(&mut self, key: &str, value: &Value, parent: &str, depth: usize) -> Result<Filter, FilterError> {
        self.spend_node(depth)?;
        let path = Path::with_aliases(parent, key, self.aliases)?;
        let whole = join(parent, key);
        match value {
            Value::Object(condition) if condition.keys().any(|key| key.starts_with('$')) => {
                self.condition(condition, &Place { path: &path, whole: &whole, depth })
            }
            value => Ok(Filter::Field {
                path,
                test: Test::Compare(Comparison::Equal, Operand::new(value.clone())),
            }),
        }
    }

    /// Operators, all of which have to hold at one path.
    fn condition(
        &mut self,
        condition: &Map<String, Value>,
        place: &Place<'_>,
    ) -> Result<Filter, FilterError> {
        if !condition.keys().all(|key| key.starts_with('$')) {
            return Err(FilterError::Mixed { path: place.whole.to_owned() });
        }
        let mut filters = Vec::with_capacity(condition.len());
        for (operator, operand) in condition {
            self.spend_node(place.depth)?;
            if operator == "$options" && condition.contains_key("$regex") {
                continue;
            }
            filters.push(if operator == "$regex" {
                self.pattern(operand, condition.get("$options"), place)?
            } else {
                self.operator(operator, operand, place)?
            });
        }
        Ok(conjunction(filters))
    }

    fn operator(
        &mut self,
        operator: &str,
        operand: &Value,
        place: &Place<'_>,
    ) -> Result<Filter, FilterError> {
        match operator {
            "$eq" => Self::compare(Comparison::Equal, operand, place),
            "$ne" => Ok(not(Self::compare(Comparison::Equal, operand, place)?)),
            "$gt" => Self::compare(Comparison::Greater, operand, place),
            "$gte" => Self::compare(Comparison::GreaterOrEqual, operand, place),
            "$lt" => Self::compare(Comparison::Less, operand, place),
            "$lte" => Self::compare(Comparison::LessOrEqual, operand, place),
            "$in" => self.one_of("$in", operand, place),
            "$nin" => Ok(not(self.one_of("$nin", operand, place)?)),
            "$all" => self.all_of(operand, place),
            "$exists" => Self::exists(operand, place),
            "$size" => Self::size(operand, place),
            "$elemMatch" => self.element(operand, place),
            "$not" => self.negated(operand, place),
            unknown => Err(FilterError::Operator {
                operator: super::excerpt(unknown),
                path: place.whole.to_owned(),
                known: OPERATORS,
            }),
        }
    }

    fn compare(comparison: Comparison, operand: &Value, place: &Place<'_>) -> Result<Filter, FilterError> {
        if comparison != Comparison::Equal && (operand.is_object() || operand.is_array()) {
            return Err(place.needs(comparison.as_str(), "a number, a text, a date, a boolean or null"));
        }
        Ok(place.test(Test::Compare(comparison, Operand::new(operand.clone()))))
    }

    fn one_of(
        &mut self,
        operator: &'static str,
        operand: &Value,
        place: &Place<'_>,
    ) -> Result<Filter, FilterError> {
        let values = self.list(operator, operand, place)?;
        Ok(place.test(Test::In(Operands::new(values.to_vec()))))
    }

    fn all_of(&mut self, operand: &Value, place: &Place<'_>) -> Result<Filter, FilterError> {
        let values = self.list("$all", operand, place)?;
        if values.is_empty() {
            return Ok(not(Filter::everything()));
        }
        let each: Result<Vec<Filter>, FilterError> =
            values.iter().map(|value| Self::compare(Comparison::Equal, value, place)).collect();
        Ok(conjunction(each?))
    }

    fn list<'v>(
        &mut self,
        operator: &'static str,
        operand: &'v Value,
        place: &Place<'_>,
    ) -> Result<&'v [Value], FilterError> {
        let values = operand.as_array().ok_or_else(|| place.needs(operator, "a list of values"))?;
        self.spend_values(values.len())?;
        Ok(values)
    }

    fn pattern(
        &mut self,
        source: &Value,
        options: Option<&Value>,
        place: &Place<'_>,
    ) -> Result<Filter, FilterError> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return Err(FilterError::TooLarge { what: "a query", limit: "32 patterns" });
        }
        let source = source.as_str().ok_or_else(|| place.needs("$regex", "a text"))?;
        let options = options
            .map_or(Some(""), Value::as_str)
            .ok_or_else(|| place.needs("$options", "some of the letters i, m, s, x, u"))?;
        let pattern = Pattern::compile(source, options, place.whole)?;
        Ok(place.test(Test::Regex(pattern)))
    }

    fn exists(operand: &Value, place: &Place<'_>) -> Result<Filter, FilterError> {
        let wanted = match operand {
            Value::Bool(wanted) => *wanted,
            Value::Number(number) => number.as_f64() != Some(0.0),
            _ => return Err(place.needs("$exists", "true or false")),
        };
        let exists = place.test(Test::Exists);
        Ok(if wanted { exists } else { not(exists) })
    }

    fn size(operand: &Value, place: &Place<'_>) -> Result<Filter, FilterError> {
        let size = operand.as_u64().ok_or_else(|| place.needs("$size", "a whole number from 0"))?;
        Ok(place.test(Test::Size(size)))
    }

    /// `$elemMatch` asks either for an object, with a query, or for a value, with operators.
    fn element(&mut self, operand: &Value, place: &Place<'_>) -> Result<Filter, FilterError> {
        let asks = operand.as_object().ok_or_else(|| place.needs("$elemMatch", "an object"))?;
        let of_value = asks.keys().next().is_some_and(|first| {
            first.starts_with('$') && !matches!(first.as_str(), "$and" | "$or" | "$nor")
        });
        let filter = if of_value {
            self.field("", operand, place.whole, place.depth + 1)?
        } else {
            self.query("$elemMatch", operand, place.whole, place.depth + 1)?
        };
        Ok(place.test(Test::Element(Element::new(filter))))
    }

    fn negated(&mut self, operand: &Value, place: &Place<'_>) -> Result<Filter, FilterError> {
        let condition = operand.as_object().filter(|condition| !condition.is_empty());
        let condition = condition.ok_or_else(|| place.needs("$not", "an object of operators"))?;
        let inner = Place { path: place.path, whole: place.whole, depth: place.depth + 1 };
        Ok(not(self.condition(condition, &inner)?))
    }

    /// Counts a query, a field or an operator, which stands in `depth` others.
    fn spend_node(&mut self, depth: usize) -> Result<(), FilterError> {
        if depth > MAX_DEPTH {
            return Err(FilterError::TooLarge { what: "a query", limit: "32 queries within one another" });
        }
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(FilterError::TooLarge { what: "a query", limit: "1000 conditions" });
        }
        Ok(())
    }

    fn spend_values(&mut self, count: usize) -> Result<(), FilterError> {
        self.values += count;
        if self.values > MAX_VALUES {
            return Err(FilterError::TooLarge {
                what: "the lists of a query",
                limit: "20000 values together",
            });
        }
        Ok(())
    }
}
