//! `--query`: JMESPath over a result.

use crate::error::Error;
use serde_json::Value;

/// What `expression` picks from `value`.
pub fn apply(expression: &str, value: &Value) -> Result<Value, Error> {
    let usage = |e: jmespath::JmespathError| Error::Usage(format!("--query: {e}"));
    let compiled = jmespath::compile(expression).map_err(usage)?;
    let data = jmespath::Variable::from_serializable(value).map_err(usage)?;
    let found = compiled.search(data).map_err(usage)?;
    serde_json::to_value(&*found).map_err(|e| Error::Answer(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::apply;
    use serde_json::json;

    #[test]
    fn picks() {
        let vms =
            json!([{"name": "a", "powerState": "VM running"}, {"name": "b", "powerState": "VM stopped"}]);
        assert_eq!(apply("[?powerState=='VM running'].name | [0]", &vms).unwrap(), json!("a"));
        assert_eq!(apply("length(@)", &vms).unwrap(), json!(2));
        assert_eq!(apply("[", &vms).unwrap_err().exit_code(), 2);
    }
}
