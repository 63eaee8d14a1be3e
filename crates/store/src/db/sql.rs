//! Rows and conditions: the little that all tables share.

use crate::error::Result;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

/// Reads one column.
pub(crate) fn text(row: &AnyRow, column: &str) -> Result<String> {
    Ok(row.try_get(column)?)
}

/// Reads a column that may be NULL.
pub(crate) fn optional_text(row: &AnyRow, column: &str) -> Result<Option<String>> {
    Ok(row.try_get(column)?)
}

/// Reads a number.
pub(crate) fn number(row: &AnyRow, column: &str) -> Result<i64> {
    Ok(row.try_get(column)?)
}

/// Reads a number that may be NULL.
pub(crate) fn optional_number(row: &AnyRow, column: &str) -> Result<Option<i64>> {
    Ok(row.try_get(column)?)
}

/// A `SELECT` whose conditions depend on the caller. Only fixed text goes into the SQL; every value is a parameter.
pub(crate) struct Select {
    sql: String,
    values: Vec<Value>,
}

enum Value {
    Text(String),
    Number(i64),
}

impl Select {
    /// Starts with `SELECT … FROM … WHERE first` where `first` holds for every row wanted.
    pub(crate) fn new(start: &'static str) -> Self {
        Self { sql: start.into(), values: Vec::new() }
    }

    /// Adds ` AND {condition}`; the `?` in it stands for `value`.
    pub(crate) fn and(&mut self, condition: &'static str, value: &str) {
        self.values.push(Value::Text(value.into()));
        self.push(condition);
    }

    /// The same with a number.
    pub(crate) fn and_number(&mut self, condition: &'static str, value: i64) {
        self.values.push(Value::Number(value));
        self.push(condition);
    }

    /// Adds ` AND {expression} IN (values)`; nothing where there are none.
    pub(crate) fn and_one_of(&mut self, expression: &'static str, values: &[String]) {
        if values.is_empty() {
            return;
        }
        let first = self.values.len() + 1;
        self.values.extend(values.iter().cloned().map(Value::Text));
        let places: Vec<_> = (first..=self.values.len()).map(|n| format!("${n}")).collect();
        self.sql.push_str(&format!(" AND {expression} IN ({})", places.join(", ")));
    }

    /// Closes a group that a condition opened with `(`: `OR ({column} >= first AND {column} < last))`.
    pub(crate) fn or_range(&mut self, column: &'static str, first: &str, last: &str) {
        self.values.push(Value::Text(first.into()));
        self.values.push(Value::Text(last.into()));
        let n = self.values.len();
        self.sql.push_str(&format!(" OR ({column} >= ${} AND {column} < ${n}))", n - 1));
    }

    /// Closes a group that a condition opened with `(`: the rest of "before this place" in (time, seq).
    pub(crate) fn or_same_time_before(&mut self, time: i64, seq: i64) {
        self.values.push(Value::Number(time));
        self.values.push(Value::Number(seq));
        let n = self.values.len();
        self.sql.push_str(&format!(" OR (time = ${} AND seq < ${n}))", n - 1));
    }

    /// The same in (time, id).
    pub(crate) fn or_same_time_below(&mut self, time: i64, id: &str) {
        self.values.push(Value::Number(time));
        self.values.push(Value::Text(id.into()));
        let n = self.values.len();
        self.sql.push_str(&format!(" OR (time = ${} AND id < ${n}))", n - 1));
    }

    /// Closes a group that a condition opened with `(`: ` OR {condition}`, which ends with `)`.
    pub(crate) fn or_number(&mut self, condition: &'static str, value: i64) {
        self.values.push(Value::Number(value));
        let place = format!("${}", self.values.len());
        self.sql.push_str(" OR ");
        self.sql.push_str(&condition.replace('?', &place));
    }

    fn push(&mut self, condition: &'static str) {
        let place = format!("${}", self.values.len());
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace('?', &place));
    }

    /// Ends with `ORDER BY …` and the like, and a limit.
    pub(crate) fn finish(mut self, end: &'static str, limit: i64) -> crate::db::Statement<'static> {
        self.values.push(Value::Number(limit));
        let sql = format!("{} {end} LIMIT ${}", self.sql, self.values.len());
        self.bound(sql)
    }

    /// The same for the one row at a place, counted from 0.
    pub(crate) fn finish_at(mut self, end: &'static str, place: i64) -> crate::db::Statement<'static> {
        self.values.push(Value::Number(place));
        let sql = format!("{} {end} LIMIT 1 OFFSET ${}", self.sql, self.values.len());
        self.bound(sql)
    }

    fn bound(self, sql: String) -> crate::db::Statement<'static> {
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for value in self.values {
            statement = match value {
                Value::Text(text) => statement.bind(text),
                Value::Number(number) => statement.bind(number),
            };
        }
        statement
    }
}

/// The keys strictly below `parent` are those in `first..last`: `parent/` up to `parent0` (`0` follows `/`).
pub(crate) fn below(parent: &str) -> (String, String) {
    let parent = parent.trim_end_matches('/');
    (format!("{parent}/"), format!("{parent}0"))
}
