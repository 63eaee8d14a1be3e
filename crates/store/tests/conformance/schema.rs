//! The two folders of migrations describe the same tables.

use std::collections::BTreeSet;
use std::path::Path;

fn files(dialect: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Every statement in one spelling: no comments, the dialects' words for the same thing made equal.
fn statements(sql: &str) -> BTreeSet<String> {
    let plain: Vec<_> = sql.lines().map(|line| line.split("--").next().unwrap()).collect();
    plain
        .join(" ")
        .replace(" COLLATE \"C\"", "")
        .replace("BYTEA", "BLOB")
        .replace("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "SEQUENCE")
        .replace("INTEGER PRIMARY KEY AUTOINCREMENT", "SEQUENCE")
        .split(';')
        .map(|s| s.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|s| !s.is_empty())
        .collect()
}

#[test]
fn both_folders_describe_the_same_tables() {
    let (sqlite, postgres) = (files("sqlite"), files("postgres"));
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&sqlite), names(&postgres));
    for ((name, a), (_, b)) in sqlite.iter().zip(&postgres) {
        assert_eq!(statements(a), statements(b), "{name}");
        for column in ["TEXT NOT NULL", " TEXT,", " TEXT UNIQUE"] {
            let careless =
                b.lines().find(|l| l.starts_with("    ") && l.contains(column) && !l.contains("COLLATE"));
            assert_eq!(careless, None, "{name}: a text column of PostgreSQL must sort by bytes");
        }
    }
}

#[test]
fn only_portable_column_types_are_used() {
    for (name, sql) in files("sqlite") {
        // A column is a line of four spaces, its name in lower case, its type.
        let columns = sql.lines().filter_map(|line| line.strip_prefix("    "));
        for column in columns.filter(|c| c.starts_with(|first: char| first.is_ascii_lowercase())) {
            let kind = column.trim_end_matches(',').split(' ').nth(1).unwrap();
            let sequence = column.starts_with("seq INTEGER PRIMARY KEY");
            assert!(matches!(kind, "TEXT" | "BIGINT" | "BLOB" | "DOUBLE") || sequence, "{name}: {column}");
        }
    }
}
