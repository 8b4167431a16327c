// SPDX-License-Identifier: Apache-2.0
//! A batch job: counts the words of /input and leaves the result, sealed, in /output. Only this
//! enclave can read it again: `batch show`.
mod inclavare_enclave;

use inclavare_enclave::{seal, unseal, Policy};
use std::collections::BTreeMap;
use std::{env, fs, io, process};

const RESULT: &str = "/output/result.sealed";
const AAD: &[u8] = b"word counts";

fn count() -> io::Result<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for entry in fs::read_dir("/input")? {
        for word in fs::read_to_string(entry?.path())?.split_whitespace() {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    Ok(counts.iter().map(|(word, count)| format!("{} {}\n", count, word)).collect())
}

fn run() -> io::Result<()> {
    let failed = |errno: i32| io::Error::new(io::ErrorKind::InvalidData, format!("errno {}", errno));
    if env::args().nth(1).as_deref() == Some("show") {
        let text = unseal(AAD, &fs::read(RESULT)?).map_err(failed)?;
        print!("{}", String::from_utf8_lossy(&text));
        return Ok(());
    }
    let sealed = seal(Policy::Enclave, AAD, count()?.as_bytes()).map_err(failed)?;
    fs::write(RESULT, sealed)
}

fn main() {
    if let Err(error) = run() {
        eprintln!("batch: {}", error);
        process::exit(1);
    }
}
