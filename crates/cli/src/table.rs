//! `-o table` and `-o tsv`, as az prints them.

use serde_json::{Map, Value};

/// A heading, a line of dashes, a row for each object; columns are the scalars, headed by their capitalised keys.
pub fn table(value: &Value) -> String {
    let rows: Vec<Map<String, Value>> = items(value).iter().map(|item| object(item)).collect();
    let mut columns: Vec<&String> = Vec::new();
    for key in rows.iter().flat_map(|row| row.iter().filter(|(_, v)| is_scalar(v)).map(|(k, _)| k)) {
        if !columns.contains(&key) {
            columns.push(key);
        }
    }
    if columns.is_empty() {
        return String::new();
    }
    let mut lines = vec![
        columns.iter().map(|c| capitalised(c)).collect::<Vec<_>>(),
        columns.iter().map(|_| String::new()).collect(),
    ];
    lines.extend(
        rows.iter().map(|row| columns.iter().map(|c| row.get(*c).map(cell).unwrap_or_default()).collect()),
    );
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    if let Some(dashes) = lines.get_mut(1) {
        *dashes = widths.iter().map(|w| "-".repeat(*w)).collect();
    }
    let line = |cells: &Vec<String>| {
        let text: String =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
        format!("{}\n", text.trim_end())
    };
    lines.iter().map(line).collect()
}

/// A line for each item, its scalars separated by tabs. Nested lists are told by their length, objects are empty.
pub fn tsv(value: &Value) -> String {
    let field = |value: &Value| match value {
        Value::Null => "None".to_owned(),
        Value::Array(list) => list.len().to_string(),
        Value::Object(_) => String::new(),
        other => cell(other),
    };
    let line = |item: &Value| match item {
        Value::Object(map) => map.values().map(field).collect::<Vec<_>>().join("\t"),
        Value::Array(list) => list.iter().map(field).collect::<Vec<_>>().join("\t"),
        other => field(other),
    };
    items(value).iter().map(|item| format!("{}\n", line(item))).collect()
}

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        other => vec![other],
    }
}

fn object(item: &Value) -> Map<String, Value> {
    match item {
        Value::Object(map) => map.clone(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(i, v)| (format!("Column{}", i + 1), v.clone())).collect()
        }
        other => [("Result".to_owned(), other.clone())].into_iter().collect(),
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Array(_) | Value::Object(_))
}

/// A value in a cell; control characters, which a name from elsewhere could hold, are not printed.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        other => other.to_string(),
    }
}

fn capitalised(key: &str) -> String {
    let mut chars = key.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::{table, tsv};
    use serde_json::json;

    #[test]
    fn tables() {
        let vms = json!([{"name": "demo", "powerState": "VM running", "x": {}}, {"name": "d2", "zone": 1}]);
        let text = "Name  PowerState  Zone\n----  ----------  ----\ndemo  VM running\nd2                1\n";
        assert_eq!(table(&vms), text);
        assert_eq!(table(&json!(["a\u{1b}[2J"])), "Result\n------\na [2J\n");
        assert_eq!(table(&json!([])), "");
    }

    #[test]
    fn tabs() {
        assert_eq!(tsv(&json!([{"a": 1, "b": null, "c": [1, 2]}, ["x", true]])), "1\tNone\t2\nx\ttrue\n");
        assert_eq!(tsv(&json!("VM running")), "VM running\n");
    }
}
