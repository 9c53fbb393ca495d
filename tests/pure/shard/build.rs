//! The build that decisions and snapshots name: it changes with what is decided, and only then.

#[path = "../../../build.rs"]
#[expect(dead_code, reason = "Cargo runs its main, nobody else")]
mod fold;

use std::path::Path;

const LOCK: &str = "[[package]]\nname = \"libm\"\nversion = \"0.2.16\"\n";

fn of(source: &str) -> u64 {
    fold::hash(&[("src/judge/a.rs".to_owned(), source.to_owned())], LOCK)
}

#[test]
fn comments_and_blank_lines_do_not_change_the_build_and_code_does() {
    let plain = "const C: f64 = 0.1;\nconst U: &str = \"http://a\";\n\
                 fn f<'a>(x: &'a str) -> char { 'x' }\n";
    for same in [
        plain.replace("0.1;", "0.1; // a tenth"),
        plain.replace("const U", "/// Where.\n\n/* /* so */ it is */\nconst U"),
        format!("//! A file.\n\n{plain}\n\n#[cfg(test)]\nmod tests {{ const C: u8 = 1; }}\n"),
        plain.replace('\n', "\r\n"),
    ] {
        assert_eq!(of(plain), of(&same), "{same}");
    }
    for other in [
        plain.replace("0.1;", "0.2;"),
        plain.replace("http://a", "http://b"),
        plain.replace("http://a", "http:"),
        plain.replace("'x'", "'y'"),
        plain.replace("http://a", "http://a\n\n"),
        plain.replace("\"http://a\"", "r#\"// \"a\"#"),
    ] {
        assert_ne!(of(plain), of(&other), "{other}");
    }
}

#[test]
fn the_order_of_files_does_not_change_the_build_but_their_place_and_libm_do() {
    let [a, b] =
        ["a", "b"].map(|name| (format!("src/sums/{name}.rs"), format!("fn {name}() {{}}")));
    let hash = fold::hash(&[a.clone(), b.clone()], LOCK);
    assert_eq!(hash, fold::hash(&[b.clone(), a.clone()], LOCK));
    let swapped = [(a.0.clone(), b.1.clone()), (b.0.clone(), a.1.clone())];
    assert_ne!(hash, fold::hash(&swapped, LOCK));
    assert_ne!(hash, fold::hash(&[a, b], &LOCK.replace("16", "17")));
}

#[test]
fn the_build_is_the_version_and_the_hash_of_these_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = fold::sources(root).unwrap();
    assert!(sources.iter().any(|(name, _)| name == "src/judge/bets.rs"), "{}", sources.len());
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap();
    let short = format!("{:012x}", fold::hash(&sources, &lock) >> 16);
    assert_eq!(ripcord::shard::BUILD, format!("{}+{short}", env!("CARGO_PKG_VERSION")));
}
