# One recipe per step, one command line each.

# What a change must pass before it is shown to anybody.
check: fmt-check lint boundaries test doc deny typos

# Formats, with the import and comment habits of this house.
fmt:
    cargo xfmt

fmt-check:
    cargo fmt --all -- --check

lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Which crate may be built from which.
boundaries:
    .ci/boundaries

test: (need "cargo-nextest")
    cargo nextest run --workspace

# Builds the documentation, runs its examples and follows its links.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    cargo test --workspace --doc
    .ci/links

# Not the advisories, which need a clone of their database: `cargo deny check advisories`.
# Licences, sources, and the third-party crates that belong to one manifest.
deny: (need "cargo-deny")
    cargo deny --all-features check bans licenses sources

typos: (need "typos" "typos-cli")
    typos

# Lives many seeds of the simulation below the store on each kind of file system, from FIRST on.
deep SEEDS="100000" FIRST="1":
    .ci/deep {{ SEEDS }} {{ FIRST }}

# Looks for bytes that break what the decoders promise, SECONDS on each target or on those named.
fuzz SECONDS="60" *TARGETS: (need "cargo-fuzz")
    .ci/fuzz {{ SECONDS }} {{ TARGETS }}

# Each figure beside its floor, on the disk of the target directory or of DIR.
bench *DIR:
    cargo bench -p runstone --bench ledger -- {{ DIR }}
    cargo bench -p runstone-cli --bench process -- {{ DIR }}
    cargo bench -p runstone-env --bench capture

# What a cohort of N snapshots costs beside small ones: recording, showing, reading, weight. On the disk of DIR.
million N="1000000" *DIR:
    cargo bench -p runstone --bench ledger -- --only=million {{ N }} {{ DIR }}

# Runstone beside what a user would pick instead, as a table: docs/benchmarks.md. DIR, OPTIONS.
peers *ARGS:
    .ci/peers {{ ARGS }}

# Simulates histories whose truth is known, prints what the verdict does to them, and fails if a goal is missed.
trust HISTORIES="20000" SEED="1":
    cargo run --release -p runstone-trust -- table {{ HISTORIES }} {{ SEED }}
    cargo run --release -p runstone-trust -- goals {{ HISTORIES }} {{ SEED }}

# Apache Otava on the same kind of series; takes it from PyPI into a virtual environment of the target directory.
trust-otava SERIES="100" SEED="1":
    .ci/otava {{ SERIES }} {{ SEED }}

# The package managers of this machine beside what is captured and exported; takes uv and pip from PyPI into the target directory.
managers:
    .ci/managers

# The example in another language, for real: makes a virtual environment and trains.
digits:
    .ci/digits

# `run` on a disk that is full at each of its steps; needs root or user namespaces. KIND: `ext4`, as root.
full-disk *KIND:
    .ci/full-disk {{ KIND }}

# Kills a recording, and an `env create`, at every system call it makes, then lets every call about files fail; needs strace.
processes:
    RUNSTONE_EVERY_CALL=1 RUNSTONE_TEST_REQUIRE=strace cargo test -p runstone-cli --test cli struck -- --nocapture

# Writers on a small disk that fills up, and on one that turns read-only under them; root, loop devices.
processes-root:
    .ci/processes-root

# Shuts file systems down under writers and looks into the disks a power cut may leave; root. SEED, STATES.
powerloss *ARGS:
    .ci/powerloss {{ ARGS }}

# Restores toy packages of apt on this machine, and takes them away again; root.
restore-apt:
    .ci/restore-apt

# Restores Python environments by pip and by uv; takes packages from PyPI.
restore-python:
    .ci/restore-python

# Restores global packages of npm below a prefix of its own; takes packages from the registry.
restore-npm:
    .ci/restore-npm

# Restores a prefix of conda from a channel of its own; takes nothing from anywhere. Needs a conda.
restore-conda:
    .ci/restore-conda

# Two hosts with caches of their own record into one store on NFS, while the server is killed under them;
# needs root, qemu and nfs-ganesha of Debian. RUNSTONE: a command that is built already.
nfs *RUNSTONE:
    .ci/nfs {{ RUNSTONE }}

# A build with `nvml` beside a library in place of NVIDIA's: answering, late, refusing, missing; needs cc and a mount namespace.
gpu-library:
    .ci/gpu-library

# Shows each changed snapshot and asks.
accept: (need "cargo-insta")
    cargo insta review

# Fails, and says how to get it, where a tool is missing: a check that did not run did not pass.
[private]
need tool crate=tool:
    @command -v {{ tool }} > /dev/null || { echo "error: {{ tool }} is missing" >&2; echo "hint: cargo install --locked {{ crate }}" >&2; exit 1; }
