//! `just bench`: a capture of this machine, warm, beside reading the same bytes and nothing else.

#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot run should stop and say so, and here files are just read"
)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runstone_env::{Capture, Options, Root, SourceName, capture};

/// The one of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 40;

fn main() {
    let root = Root::host().unwrap();
    let variables = std::env::vars_os();
    let variables = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let options = Options {
        folder: std::env::current_dir().ok(),
        variables: variables.collect(),
        ..Options::default()
    };
    let captured = capture(&root, &options);
    let sources = captured.environment.sources.values();
    let packages: usize = sources.map(|source| source.packages.len()).sum();
    let (files, bytes) = (files(&captured), bytes_of(&files(&captured)));
    let whole = quickest(|| drop(black_box(capture(&root, &options))));
    let reading = quickest(|| {
        black_box(bytes_of(&files));
    });
    println!(
        "packages             {packages}, {} files of {:.1} MB",
        files.len(),
        bytes as f64 / 1e6
    );
    println!("reading them         {:.2} ms", ms(reading));
    println!(
        "capture              {:.2} ms, {:.2} times reading, {:.2} ms a thousand packages (goals ≤ 2 times, ≤ 10 ms)",
        ms(whole),
        whole.as_secs_f64() / reading.as_secs_f64(),
        ms(whole) * 1000.0 / packages as f64,
    );
    for name in [
        SourceName::Dpkg,
        SourceName::Apt,
        SourceName::Python,
        SourceName::Os,
    ] {
        let others: BTreeSet<SourceName> = SourceName::ALL
            .iter()
            .copied()
            .filter(|it| *it != name)
            .collect();
        let alone = Options {
            skip: others,
            ..options.clone()
        };
        let time = quickest(|| drop(black_box(capture(&root, &alone))));
        println!("  {:<18} {:.2} ms", name.as_str(), ms(time));
    }
    let environment = &captured.environment;
    let time = quickest(|| drop(black_box(environment.digests())));
    println!("  {:<18} {:.2} ms", "digests", ms(time));
    #[cfg(feature = "git")]
    code();
}

/// The code in the folder this runs in, or that `RUNSTONE_BENCH_CODE` names: a fresh clone is the
/// one that takes longest.
#[cfg(feature = "git")]
fn code() {
    use runstone_env::git;

    let folder = std::env::var_os("RUNSTONE_BENCH_CODE").map_or_else(|| ".".into(), PathBuf::from);
    let time = quickest(|| drop(black_box(git::capture(&folder, git::Options::default()))));
    let code = git::capture(&folder, git::Options::default());
    println!(
        "code                 {:.2} ms, {}",
        ms(time),
        code.to_json()
    );
}

/// The least of many times: what else the machine does only adds to it.
fn quickest(mut work: impl FnMut()) -> Duration {
    let times = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        work();
        began.elapsed()
    });
    times.min().unwrap()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Returns the files that most of a capture's bytes are in, and which it reads whole.
fn files(captured: &Capture) -> Vec<PathBuf> {
    const OF_A_DISTRIBUTION: [&str; 5] = [
        "METADATA",
        "RECORD",
        "INSTALLER",
        "REQUESTED",
        "direct_url.json",
    ];
    let known = ["/var/lib/dpkg/status", "/var/lib/apt/extended_states"];
    let mut files: Vec<PathBuf> = known.into_iter().map(PathBuf::from).collect();
    files.extend(
        below(Path::new("/var/lib/apt/lists"))
            .into_iter()
            .filter(|it| it.to_string_lossy().ends_with("Release")),
    );
    let observed = captured.record.observed.get(&SourceName::Python);
    let prefix = observed.and_then(|it| it["prefix"].as_str());
    for library in prefix
        .map(|it| below(&Path::new(it).join("lib")))
        .unwrap_or_default()
    {
        for folder in below(&library.join("site-packages")) {
            if folder.extension().is_some_and(|it| it == "dist-info") {
                files.extend(OF_A_DISTRIBUTION.map(|name| folder.join(name)));
            }
        }
    }
    files.retain(|it| it.exists());
    files
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn bytes_of(files: &[PathBuf]) -> usize {
    files
        .iter()
        .map(|file| black_box(std::fs::read(file).unwrap()).len())
        .sum()
}
