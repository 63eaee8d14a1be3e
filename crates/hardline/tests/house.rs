//! The house rules that a machine can check. CONTRIBUTING.md says why they are there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines of a source file, at most.
const FILE_CAP: usize = 700;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "helpers", "helper", "common", "manager", "misc", "shared", "stuff"];

/// Crate, what of ours it may use, and what of others' it must not.
const EDGES: &[(&str, &[&str], &[&str])] = &[
    ("hardline-arm", &[], &["tokio", "axum", "sqlx", "tonic", "hyper", "reqwest"]),
    ("hardline-console", &[], &["tokio", "axum", "sqlx", "tonic", "hyper", "reqwest"]),
    ("hardline-detect", &[], &["tokio", "axum", "sqlx", "tonic", "hyper", "reqwest"]),
    ("hardline-store", &["hardline-arm", "hardline-console"], &["axum", "tonic", "hyper"]),
    ("hardline-agent-api", &[], &["axum", "sqlx"]),
    (
        "hardline-server",
        &["hardline-arm", "hardline-console", "hardline-detect", "hardline-store", "hardline-agent-api"],
        &["sqlx", "clap"],
    ),
    ("hardline-agent", &["hardline-console", "hardline-agent-api"], &["axum", "sqlx", "reqwest", "clap"]),
    ("hardline-cli", &["hardline-arm", "hardline-console"], &["axum", "sqlx", "tonic"]),
    (
        "hardline",
        &["hardline-server", "hardline-agent", "hardline-cli"],
        &["axum", "sqlx", "tonic", "reqwest"],
    ),
    (
        "hardline-testkit",
        &[
            "hardline-arm",
            "hardline-console",
            "hardline-store",
            "hardline-agent-api",
            "hardline-server",
            "hardline-agent",
        ],
        &[],
    ),
    ("hardline-bench", &["hardline-arm", "hardline-store"], &["axum", "sqlx"]),
    ("xtask", &[], &["tokio", "clap"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file of the repository that git knows or would take, with its text, by its path from the root.
fn files() -> BTreeMap<String, String> {
    let git = |args: &[&str]| {
        let listed = Command::new("git").args(args).current_dir(root()).output().unwrap();
        assert!(listed.status.success(), "git {args:?}");
        String::from_utf8(listed.stdout).unwrap()
    };
    let paths = git(&["ls-files"]) + &git(&["ls-files", "--others", "--exclude-standard"]);
    let read = |path: &str| Some((path.to_owned(), std::fs::read_to_string(root().join(path)).ok()?));
    paths.lines().filter_map(read).collect()
}

/// The Rust files among them.
fn rust() -> impl Iterator<Item = (String, String)> {
    files().into_iter().filter(|(path, _)| path.ends_with(".rs"))
}

/// The file up to its inline tests, and the tests.
fn split_tests(text: &str) -> (&str, &str) {
    text.find("#[cfg(test)]\nmod ").map_or((text, ""), |at| text.split_at(at))
}

/// Lines that are code, numbered from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(n, l)| (n + 1, l)).filter(|(_, l)| !l.trim_start().starts_with("//"))
}

/// Whether `word` stands in `line` as a path or name of its own: `tokio::` but not `notokio`.
fn names(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(part)
            && !line[at + word.len()..].chars().next().is_some_and(part)
    })
}

fn none(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Where one of `words` stands in the code of the files that `chosen` chooses.
fn uses(chosen: impl Fn(&str) -> bool, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in rust().filter(|(path, _)| chosen(path)) {
        for (number, line) in code(&text) {
            found.extend(
                words.iter().filter(|w| names(line, w)).map(|word| format!("{path}:{number} names {word}")),
            );
        }
    }
    found
}

#[test]
fn crates_import_only_what_they_may() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let mut broken = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let Some((_, ours, never)) = EDGES.iter().find(|(n, _, _)| *n == name) else {
            broken.push(format!("{name} is not in the table of edges"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let in_tests = dependency["kind"] == "dev";
            let is_ours = dependency["path"].is_string();
            // The program's own tests are tests of everything.
            let for_tests = in_tests && (used == "hardline-testkit" || name == "hardline");
            if is_ours && !ours.contains(&used) && !for_tests {
                broken.push(format!("{name} must not import {used}"));
            }
            if !in_tests && (used == "hardline-testkit" || never.contains(&used)) {
                broken.push(format!("{name} must not import {used}"));
            }
        }
    }
    none(&broken);
}

#[test]
fn pure_crates_touch_no_file_socket_clock_or_runtime() {
    let crates = ["crates/arm/src", "crates/console/src", "crates/detect/src"];
    let pure = |path: &str| crates.iter().any(|c| path.starts_with(c));
    // Addresses may be named (an `IpAddr` is a value), sockets not.
    let sockets = ["TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs"];
    none(&uses(pure, &sockets));
    none(&uses(pure, &["tokio", "std::fs", "std::env", "std::process", "SystemTime", "Instant"]));
}

#[test]
fn only_the_store_names_sqlx() {
    let others = |path: &str| !path.starts_with("crates/store/") && path != "crates/hardline/tests/house.rs";
    none(&uses(others, &["sqlx"]));
}

#[test]
fn only_http_names_axum() {
    let others = |path: &str| {
        path.starts_with("crates/")
            && !path.starts_with("crates/server/src/http")
            && !path.ends_with("house.rs")
    };
    none(&uses(others, &["axum"]));
}

#[test]
fn files_are_short() {
    let kinds = [".rs", ".ts", ".tsx", ".css", ".mjs", ".proto", ".sql"];
    let long = files().into_iter().filter(|(path, text)| {
        kinds.iter().any(|k| path.ends_with(k))
            && path != "web/src/api/operations.ts"
            && text.lines().count() > FILE_CAP
    });
    none(
        &long
            .map(|(path, text)| format!("{path} has {} lines, more than {FILE_CAP}", text.lines().count()))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn files_have_names_that_say_something() {
    let empty = files().into_keys().filter(|path| {
        Path::new(path).iter().any(|part| {
            let stem = part.to_str().unwrap_or_default().split('.').next().unwrap_or_default();
            EMPTY_NAMES.contains(&stem.to_ascii_lowercase().as_str())
        })
    });
    none(&empty.collect::<Vec<_>>());
}

#[test]
fn every_module_says_what_it_is() {
    let silent = rust().filter(|(path, text)| {
        path != "crates/agent-api/build.rs" && !text.lines().any(|l| l.starts_with("//! "))
    });
    none(&silent.map(|(path, _)| format!("{path} has no //! line")).collect::<Vec<_>>());
}

#[test]
fn no_test_is_ignored() {
    let ignore = concat!("#[", "ignore");
    let ignored = rust().filter(|(_, text)| text.contains(ignore)).map(|(path, _)| path);
    let skipped = files().into_iter().filter(|(path, text)| {
        path.starts_with("web/")
            && (text.contains("test.skip(") || text.contains("it.skip(") || text.contains("describe.skip("))
    });
    let runner = files().into_iter().filter(|(path, text)| {
        path.starts_with(".config/") && (text.contains("default-filter") || text.contains("retries"))
    });
    none(&ignored.chain(skipped.chain(runner).map(|(path, _)| path)).collect::<Vec<_>>());
}

#[test]
fn tests_wait_for_events_not_for_time() {
    let mut broken = Vec::new();
    for (path, text) in rust().filter(|(path, _)| path.starts_with("crates/") || path.starts_with("xtask/")) {
        if path.starts_with("crates/bench/") {
            continue;
        }
        let all = path.contains("/tests/") || path.starts_with("crates/testkit/");
        let tests = if all { text.as_str() } else { split_tests(&text).1 };
        let before = text.lines().count() - tests.lines().count();
        for (number, line) in code(tests)
            .filter(|(_, l)| l.contains(concat!("sleep", "(")) || names(l, concat!("sleep", "_until")))
        {
            broken.push(format!("{path}:{}: {}", before + number, line.trim()));
        }
    }
    for (path, text) in files().into_iter().filter(|(path, _)| path.starts_with("web/")) {
        if text.contains(concat!("waitFor", "Timeout(")) {
            broken.push(format!("{path} waits for time to pass"));
        }
    }
    none(&broken);
}

#[test]
fn promises_name_tests_that_exist() {
    let files = files();
    let spec = files.get("SPEC.md").expect("SPEC.md");
    let mut broken = Vec::new();
    let mut promises = 0;
    for (number, line) in spec.lines().enumerate().filter(|(_, l)| l.starts_with("| S")) {
        promises += 1;
        let tests: Vec<_> = line.split('`').filter(|part| part.contains("::")).collect();
        if tests.is_empty() {
            broken.push(format!("SPEC.md:{} names no test", number + 1));
        }
        for test in tests {
            let (path, name) = test.split_once("::").unwrap();
            let there = files.get(path).is_some_and(|text| match path.ends_with(".rs") {
                true => text.contains(&format!("fn {name}(")),
                false => text.contains(name),
            });
            if !there {
                broken.push(format!("SPEC.md:{}: no test {test}", number + 1));
            }
        }
    }
    assert!(promises > 0, "SPEC.md has no rows");
    none(&broken);
}

#[test]
fn pages_lead_to_files_that_exist() {
    let mut broken = Vec::new();
    for (page, text) in files().into_iter().filter(|(path, _)| path.ends_with(".md")) {
        let folder = root().join(&page).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let is_file = !target.is_empty() && !target.contains("://") && !target.contains(' ');
            if is_file && !folder.join(target).exists() {
                broken.push(format!("{page}: {target}"));
            }
        }
    }
    none(&broken);
}

/// The commands in the fenced blocks of a page.
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside && matches!(line, "```sh" | "```console");
        } else if inside {
            found
                .push(line.trim_start_matches("$ ").split(" #").next().unwrap_or_default().trim().to_owned());
        }
    }
    found.retain(|c| !c.is_empty());
    found
}

#[test]
fn commands_in_the_readme_exist() {
    let files = files();
    let help = &files["xtask/src/main.rs"];
    let mut broken = Vec::new();
    for page in ["README.md", "CONTRIBUTING.md"] {
        for command in commands(&files[page]) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let known = match words.as_slice() {
                ["cargo", "xtask", verb, ..] => help.contains(&format!("  {verb} ")),
                ["cargo", verb, ..] => {
                    ["nextest", "fmt", "clippy", "run", "build", "install", "test", "doc"].contains(verb)
                }
                ["hardline" | "target/release/hardline", rest @ ..] => understood(rest),
                ["git" | "cd" | "source" | "." | "npm" | "bash", ..] => true,
                _ => false,
            };
            if !known {
                broken.push(format!("{page}: {command}"));
            }
        }
    }
    none(&broken);
}

/// Whether the program has this verb and these options.
fn understood(words: &[&str]) -> bool {
    let is_verb = |w: &&&str| w.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !w.starts_with('-');
    let verbs = match words {
        ["vm", verb, ..] => vec!["vm", verb],
        [verb, ..] => vec![*verb],
        [] => vec![],
    };
    let help = Command::new(env!("CARGO_BIN_EXE_hardline")).args(&verbs).arg("--help").output().unwrap();
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    verbs.iter().all(|v| is_verb(&v))
        && help.status.success()
        && words.iter().filter(|w| w.starts_with("--")).all(|option| {
            let option = option.split('=').next().unwrap_or_default();
            text.contains(option)
        })
}
