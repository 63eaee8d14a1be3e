//! Makes sure that the portal's folder is there (it may be empty), and builds again when the portal was.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let portal = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist");
    std::fs::create_dir_all(&portal)?;
    println!("cargo::rerun-if-changed={}", portal.display());
    Ok(())
}
