//! Names the build: the version and a hash of everything that a fold runs through.

#![expect(clippy::print_stdout, reason = "this is how a build script talks to Cargo")]

#[path = "build/fold.rs"]
mod fold;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
    let hash = fold::hash(&fold::sources(root)?, &lock);
    // Twelve digits tell builds apart and still fit on a line.
    let short = hash >> 16;
    println!("cargo:rustc-env=RIPCORD_BUILD={}+{short:012x}", env!("CARGO_PKG_VERSION"));
    for room in fold::ROOMS {
        println!("cargo:rerun-if-changed=src/{room}");
    }
    for file in ["build.rs", "build", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={file}");
    }
    Ok(())
}
