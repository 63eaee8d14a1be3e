//! What can go wrong in a verb, and what to do next.

use serde_json::Value;
use std::path::PathBuf;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused; its code and words.
    #[error("({code}) {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code in the answer's body.
        code: String,
        /// The message in the answer's body.
        message: String,
    },
    /// The server could not be reached, or the connection broke.
    #[error("{url}: {reason}")]
    Unreachable {
        /// The server.
        url: String,
        /// Why, with every cause.
        reason: String,
    },
    /// The command line does not say enough, or something impossible.
    #[error("{0}")]
    Usage(String),
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    SignedOut,
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Standard output or the terminal cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[source] std::io::Error),
    /// The answer is not what it should be.
    #[error("the server's answer is not understood: {0}")]
    Answer(String),
    /// The console ended without the user asking for it.
    #[error("{0}")]
    Console(String),
}

impl Error {
    /// From the status and body of an answer that is no success. Bodies that are not ARM's give the status alone.
    pub fn refused(status: u16, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let of = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        // The token endpoint answers as OAuth does; `error` is a string there.
        let error = json.get("error").filter(|e| e.is_object()).unwrap_or(&json);
        let code = of(error, "code").or_else(|| of(&json, "error"));
        let message = of(error, "message").or_else(|| of(&json, "error_description"));
        Self::Refused {
            status,
            code: code.unwrap_or_else(|| format!("HTTP {status}")),
            message: message.unwrap_or_else(|| "the server gave no reason".into()),
        }
    }

    /// az's exit codes.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused { status: 404, .. } => 3,
            _ => 1,
        }
    }

    /// What is printed: the error, and, after a blank line, what to do next where that is known.
    pub fn report(&self) -> String {
        match self.next_step() {
            Some(next) => format!("ERROR: {self}\n\n{next}"),
            None => format!("ERROR: {self}"),
        }
    }

    fn next_step(&self) -> Option<String> {
        let text = match self {
            Self::SignedOut => {
                "Sign in with `hardline login --url https://HOST:PORT -u NAME`, or read the environment file of \
                 `hardline dev` (`source DIR/dev.env`)."
            }
            Self::Refused { status: 401, .. } => "Sign in again with `hardline login`.",
            Self::Refused { status: 404, message, .. } if message.contains("Hardline.Detection/rules/") => {
                "`hardline rule list -o table` shows the rules with their ids."
            }
            Self::Refused { status: 404, message, .. } if message.contains("Hardline.Detection/alerts/") => {
                "`hardline alert list -o table` shows the alerts with their ids."
            }
            Self::Refused { status: 404, .. } => {
                "`hardline vm list -o table` shows what there is and what you may read."
            }
            Self::Refused { code, .. } => match code.as_str() {
                "AuthorizationFailed" => "Ask an Owner of the scope for a role that holds this action.",
                "invalid_grant" | "invalid_client" => "Check the name and the password or secret.",
                _ => return None,
            },
            Self::Unreachable { url, reason } if reason.contains("UnknownIssuer") => {
                return Some(format!(
                    "The certificate of {url} is signed by an authority that this machine does not know: name its \
                     PEM file with --ca-file (of `hardline dev`: DIR/ca.pem)."
                ));
            }
            Self::Unreachable { .. } => "Check that the server runs and that the address is right (--url).",
            _ => return None,
        };
        Some(text.into())
    }
}

/// An error with all its causes, each once.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Error;

    fn check(status: u16, body: &str, line: &str, exit_code: u8) {
        let error = Error::refused(status, body.as_bytes());
        assert_eq!(error.to_string(), line);
        assert_eq!(error.exit_code(), exit_code);
    }

    #[test]
    fn bodies_of_refusals() {
        let arm = r#"{"error":{"code":"ResourceNotFound","message":"no vm1"}}"#;
        check(404, arm, "(ResourceNotFound) no vm1", 3);
        check(403, r#"{"code":"AuthorizationFailed","message":"no"}"#, "(AuthorizationFailed) no", 1);
        let oauth = r#"{"error":"invalid_grant","error_description":"wrong password"}"#;
        check(400, oauth, "(invalid_grant) wrong password", 1);
        check(502, "<html>", "(HTTP 502) the server gave no reason", 1);
    }

    #[test]
    fn the_report_names_the_next_step() {
        assert!(Error::refused(401, b"").report().contains("hardline login"));
        let rule = r#"{"error":{"message":"The Resource 'Hardline.Detection/rules/x' was not found."}}"#;
        assert!(Error::refused(404, rule.as_bytes()).report().contains("hardline rule list"));
        assert!(Error::refused(404, b"").report().contains("hardline vm list"));
        assert!(!Error::Usage("x".into()).report().contains('\n'));
    }
}
