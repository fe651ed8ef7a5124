//! What is read of a repository is what `git` answers itself, and no program is started for it.
//!
//! Where `git` is missing nothing can be asked: each test says so and is no proof then.
#![cfg(feature = "git")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed step should stop the test, fixtures need no flush, and here git is asked"
)]

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use runstone_core::digest::Digest;
use runstone_env::State;
use runstone_env::git::{Code, Options, WorkTree, capture};
use tempfile::TempDir;

/// Says on standard error, past the harness, what was not tried.
fn skipped(why: &str) {
    let text = format!("SKIPPED: {why}\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    let required = std::env::var("RUNSTONE_TEST_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|it| it == "git");
    assert!(!is_required, "RUNSTONE_TEST_REQUIRE names `git`");
}

/// A repository in a folder of its own.
struct Repository {
    _folder: TempDir,
    path: PathBuf,
}

impl Repository {
    /// Makes one with a commit. `None`, said loudly: there is no `git`.
    fn new() -> Option<Self> {
        let repository = Self::unborn()?;
        repository.put("one.txt", "one\n");
        repository.put("two.txt", "two\n");
        repository.put("below/three.txt", "three\n");
        repository.commit("first");
        Some(repository)
    }

    fn unborn() -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            skipped("there is no git to ask");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("repository");
        std::fs::create_dir(&path).unwrap();
        let repository = Self {
            _folder: folder,
            path,
        };
        repository.git(&["init", "--quiet"]);
        Some(repository)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn commit(&self, words: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", words]);
    }

    /// Runs `git`, which has to succeed.
    fn git(&self, arguments: &[&str]) -> String {
        let output = git_in(&self.path, arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `git`, which may fail: a merge that ends in conflict does.
    fn try_git(&self, arguments: &[&str]) {
        drop(git_in(&self.path, arguments));
    }

    fn code(&self) -> Code {
        read(&self.path)
    }

    /// Asserts that we say what `git` says.
    #[track_caller]
    fn is_as_git_says(&self) -> Code {
        let code = self.code();
        assert_eq!(code.state, State::Captured, "{:?}", code.warnings);
        assert_eq!(code.work_tree, Some(counts(&self.path)));
        let head = self.git(&["rev-parse", "HEAD"]);
        assert_eq!(code.commit.as_deref(), Some(head.trim()));
        let described = self.git(&["describe", "--always", "--dirty"]);
        assert_eq!(code.describe.as_deref(), Some(described.trim()));
        code
    }
}

fn git_in(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut git = Command::new("git");
    git.current_dir(folder).args([
        "-c",
        "init.defaultBranch=main",
        "-c",
        "protocol.file.allow=always",
        "-c",
        "commit.gpgsign=false",
    ]);
    git.env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.org");
    git.env("GIT_COMMITTER_NAME", "C")
        .env("GIT_COMMITTER_EMAIL", "c@example.org");
    git.args(arguments).output().unwrap()
}

fn read(folder: &Path) -> Code {
    capture(folder, patient())
}

/// A machine that builds beside the tests is slow.
fn patient() -> Options {
    Options {
        time_ms_max: 60_000,
        ..Options::default()
    }
}

/// What `git status` counts.
fn counts(folder: &Path) -> WorkTree {
    let status = [
        "status",
        "--porcelain=v1",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        "--ignore-submodules=none",
    ];
    let output = git_in(folder, &status);
    assert!(output.status.success());
    let mut counts = WorkTree::default();
    for line in output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|it| !it.is_empty())
    {
        match &line[..2] {
            b"??" => counts.untracked += 1,
            b"DD" | b"AU" | b"UD" | b"UA" | b"DU" | b"AA" | b"UU" => counts.conflicted += 1,
            mark => {
                counts.staged += u64::from(mark[0] != b' ');
                counts.modified += u64::from(mark[1] != b' ');
            }
        }
    }
    counts
}

#[test]
fn clean_repository_is_clean() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let code = repository.is_as_git_says();
    assert_eq!(code.work_tree, Some(WorkTree::default()));
    assert_eq!(code.branch.as_deref(), Some("main"));
    assert_eq!(code.patch, None);
    assert_eq!(code.remote, None);
    assert_eq!(code.warnings, Vec::<String>::new());
}

#[test]
fn everything_that_may_be_different_is_counted_as_git_does() {
    let Some(repository) = Repository::new() else {
        return;
    };
    for name in [
        "mode",
        "type",
        "gone",
        "gone-staged",
        "renamed",
        "both",
        "undone",
    ] {
        repository.put(name, &format!("{name}\n"));
    }
    repository.put(".gitignore", "*.log\nignored/\n");
    repository.commit("second");
    repository.put("one.txt", "changed\n");
    repository.put("below/three.txt", "changed and staged\n");
    repository.put("both", "staged\n");
    repository.put("undone", "staged\n");
    repository.put("new", "staged\n");
    repository.git(&["add", "below/three.txt", "both", "undone", "new"]);
    repository.put("both", "and changed again\n");
    repository.put("undone", "undone\n");
    repository.git(&["rm", "--quiet", "gone-staged"]);
    repository.git(&["mv", "renamed", "renamed-to"]);
    std::fs::remove_file(repository.at("gone")).unwrap();
    std::fs::remove_file(repository.at("type")).unwrap();
    symlink("one.txt", repository.at("type")).unwrap();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(repository.at("mode"), mode).unwrap();
    repository.put("meant", "to be added\n");
    repository.git(&["add", "--intent-to-add", "meant"]);
    repository.put("untracked/a/b", "");
    repository.put("untracked/a/c", "");
    repository.put("noise.log", "");
    repository.put("ignored/file", "");
    let name = std::ffi::OsStr::from_bytes(b"not-text-\xff");
    std::fs::write(repository.path.join(name), "").unwrap();

    let code = repository.is_as_git_says();
    let counted = code.work_tree.unwrap();
    assert_eq!(
        (counted.staged, counted.modified, counted.untracked),
        (7, 7, 3)
    );
    assert!(code.patch.is_some());
    // From a folder below it is the same repository.
    let below = read(&repository.at("below"));
    assert_eq!(below.to_json(), code.to_json());
}

#[test]
fn commit_that_was_taken_back_leaves_its_changes_staged() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.put("one.txt", "changed\n");
    repository.put("below/four.txt", "four\n");
    repository.commit("second");
    assert_eq!(repository.is_as_git_says().patch, None);
    // The index knows a whole tree, and it is not the one of the commit.
    repository.git(&["reset", "--soft", "HEAD~1"]);
    let code = repository.is_as_git_says();
    assert_eq!(code.work_tree.unwrap().staged, 2);
    assert!(code.patch.is_some());
}

#[test]
fn file_that_was_overwritten_at_once_is_seen_to_be_modified() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let path = repository.at("one.txt");
    for text in ["two\n", "six\n", "ten\n"] {
        repository.put("one.txt", text);
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        repository.commit(text.trim());
        // As long, and of the same time.
        repository.put("one.txt", "new\n");
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(before).unwrap();
        assert_eq!(repository.is_as_git_says().work_tree.unwrap().modified, 1);
    }
}

#[test]
fn setting_that_hides_untracked_files_hides_nothing_here() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.put("untracked", "");
    repository.git(&["config", "status.showUntrackedFiles", "no"]);
    let counted = repository.code().work_tree.unwrap();
    assert_eq!(counted.untracked, 1);
}

#[test]
fn folder_in_no_repository_has_no_code_and_that_is_no_error() {
    let folder = TempDir::new().unwrap();
    let code = read(folder.path());
    assert_eq!(code.state, State::Absent, "{code:?}");
    assert_eq!(code.warnings, Vec::<String>::new());
    let missing = read(&folder.path().join("missing"));
    assert_eq!(missing.state, State::Unreadable);
    assert!(missing.warnings[0].contains("missing"), "{missing:?}");
}

#[test]
fn repository_without_a_commit_has_a_branch_and_counts() {
    let Some(repository) = Repository::unborn() else {
        return;
    };
    repository.put("staged", "");
    repository.put("untracked", "");
    repository.git(&["add", "staged"]);
    let code = repository.code();
    assert_eq!(code.state, State::Captured, "{code:?}");
    assert_eq!((code.commit, code.describe), (None, None));
    assert_eq!(code.branch.as_deref(), Some("main"));
    assert_eq!(code.work_tree, Some(counts(&repository.path)));
    assert!(code.patch.is_some());
}

#[test]
fn head_on_no_branch_names_its_commit_alone() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.git(&["checkout", "--quiet", "--detach"]);
    let code = repository.is_as_git_says();
    assert_eq!(code.branch, None);
}

#[test]
fn bare_repository_has_a_commit_and_no_work_tree() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let bare = repository.path.with_extension("git");
    repository.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let code = read(&bare);
    assert_eq!(code.state, State::Captured, "{code:?}");
    assert!(code.is_bare);
    assert_eq!((code.work_tree, code.patch), (None, None));
    assert_eq!(code.commit, repository.code().commit);
    let described = git_in(&bare, &["describe", "--always"]).stdout;
    let described = String::from_utf8(described).unwrap();
    assert_eq!(code.describe.as_deref(), Some(described.trim()));
}

#[test]
fn linked_work_tree_has_a_branch_and_changes_of_its_own() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let linked = repository.path.with_extension("linked");
    let path = linked.to_str().unwrap();
    repository.git(&["worktree", "add", "--quiet", "-b", "other", path]);
    std::fs::write(linked.join("one.txt"), "changed\n").unwrap();
    let code = read(&linked);
    assert_eq!(code.state, State::Captured, "{code:?}");
    assert_eq!(code.branch.as_deref(), Some("other"));
    assert_eq!(code.work_tree, Some(counts(&linked)));
    assert_eq!(code.work_tree.unwrap().modified, 1);
    assert_eq!(
        repository.is_as_git_says().work_tree,
        Some(WorkTree::default())
    );
}

#[test]
fn submodule_is_modified_by_a_commit_and_by_changes_within() {
    let (Some(inner), Some(outer)) = (Repository::new(), Repository::new()) else {
        return;
    };
    let source = inner.path.to_str().unwrap();
    outer.git(&["submodule", "--quiet", "add", source, "module"]);
    outer.commit("with a module");
    let clean = outer.is_as_git_says();
    assert_eq!(clean.patch, None);

    outer.put("module/one.txt", "changed within\n");
    let within = outer.is_as_git_says();
    assert_eq!(within.work_tree.unwrap().modified, 1);
    outer.put("module/one.txt", "changed otherwise\n");
    let otherwise = outer.code();
    assert_ne!(
        within.patch, otherwise.patch,
        "the patch reaches into submodules"
    );

    git_in(
        &outer.at("module"),
        &["commit", "--quiet", "--all", "--message", "moved"],
    );
    let moved = outer.is_as_git_says();
    assert_eq!(moved.work_tree.unwrap().modified, 1);
    let patches = [within.patch, otherwise.patch, moved.patch];
    assert!(patches.iter().all(Option::is_some), "{patches:?}");
    assert_ne!(moved.patch, otherwise.patch);
    // Read from within, it is a repository as any other.
    let module = read(&outer.at("module"));
    assert_eq!(module.work_tree, Some(WorkTree::default()));
    assert_ne!(module.commit, moved.commit);
}

#[test]
fn submodule_that_was_not_fetched_is_no_change() {
    let (Some(inner), Some(outer)) = (Repository::new(), Repository::new()) else {
        return;
    };
    outer.git(&[
        "submodule",
        "--quiet",
        "add",
        inner.path.to_str().unwrap(),
        "module",
    ]);
    outer.commit("with a module");
    let clone = outer.path.with_extension("clone");
    outer.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]);
    let code = read(&clone);
    assert_eq!(code.state, State::Captured, "{code:?}");
    assert_eq!(code.work_tree, Some(counts(&clone)));
    assert_eq!(code.work_tree, Some(WorkTree::default()));
}

#[test]
fn what_was_begun_and_not_ended_is_named_and_conflicts_are_counted() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.put("one.txt", "of the side\n");
    std::fs::remove_file(repository.at("two.txt")).unwrap();
    repository.commit("side");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.put("one.txt", "of main\n");
    repository.put("two.txt", "of main\n");
    repository.commit("main");
    repository.try_git(&["merge", "side"]);
    let merging = repository.is_as_git_says();
    assert_eq!(merging.operation.as_deref(), Some("merge"));
    assert_eq!(merging.work_tree.unwrap().conflicted, 2);
    assert!(merging.patch.is_some());
    repository.git(&["merge", "--abort"]);
    repository.try_git(&["rebase", "side"]);
    let rebasing = repository.is_as_git_says();
    assert_eq!(rebasing.operation.as_deref(), Some("rebase"));
    assert_eq!(rebasing.branch, None);
    repository.git(&["rebase", "--abort"]);
    assert_eq!(repository.is_as_git_says().operation, None);
}

#[test]
fn description_is_the_one_of_git() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.git(&["tag", "light"]);
    repository.is_as_git_says();
    repository.git(&["tag", "--annotate", "--message", "one", "v1.0"]);
    assert_eq!(
        repository.is_as_git_says().describe.as_deref(),
        Some("v1.0")
    );
    repository.put("one.txt", "changed\n");
    assert_eq!(
        repository.is_as_git_says().describe.as_deref(),
        Some("v1.0-dirty")
    );
    repository.commit("second");
    let second = repository.is_as_git_says().describe.unwrap();
    assert!(second.starts_with("v1.0-1-g"), "{second}");
    // What is not tracked makes nothing dirty.
    repository.put("untracked", "");
    repository.is_as_git_says();
    repository.git(&["pack-refs", "--all"]);
    repository.git(&["gc", "--quiet"]);
    repository.is_as_git_says();
}

#[test]
fn credentials_of_the_remote_stay_out() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let address = "https://ann:glpat-0123456789abcdefghij@host.example/team/code.git";
    repository.git(&["remote", "add", "origin", address]);
    let code = repository.code();
    assert_eq!(
        code.remote.as_deref(),
        Some("https://host.example/team/code.git")
    );
    assert!(!code.to_json().to_string().contains("glpat"));
    // The one that the branch follows goes before the one of everybody.
    repository.git(&["remote", "add", "fork", "git@host.example:ann/code.git"]);
    repository.git(&["config", "branch.main.remote", "fork"]);
    assert_eq!(
        repository.code().remote.as_deref(),
        Some("git@host.example:ann/code.git")
    );
}

#[test]
fn credentials_of_a_remote_stay_out_in_every_form_git_takes() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.git(&["remote", "add", "origin", "elsewhere"]);
    for address in [
        "user:hunter2@host.example:path/x.git",
        "//user:hunter2@host/x",
        "https://host/x.git/;token=hunter2",
        "ext::ssh hunter2@host",
    ] {
        repository.git(&["config", "remote.origin.url", address]);
        let code = repository.code();
        assert_eq!(code.state, State::Captured, "{code:?}");
        assert!(!format!("{code:?}").contains("hunter2"), "{code:?}");
    }
    // A branch may follow an address that has no name.
    let unnamed = "https://ann:hunter2@host.example/fork.git";
    repository.git(&["config", "branch.main.remote", unnamed]);
    let remote = repository.code().remote;
    assert_eq!(remote.as_deref(), Some("https://host.example/fork.git"));
}

#[test]
fn what_never_ends_is_refused_by_name_and_not_read() {
    // The reader would go on in this process: this leaves it little time to fill the memory.
    let hurried = Options {
        time_ms_max: 3_000,
        ..Options::default()
    };
    let endless = [
        ("info/exclude", State::Partial),
        ("info/attributes", State::Partial),
        ("index", State::Partial),
        ("config", State::Unreadable),
        ("HEAD", State::Unreadable),
        ("packed-refs", State::Unreadable),
        ("shallow", State::Unreadable),
        ("refs/heads/main", State::Unreadable),
        ("refs/tags/endless", State::Unreadable),
        ("objects/info/alternates", State::Unreadable),
    ];
    for (name, state) in endless {
        let Some(repository) = Repository::new() else {
            return;
        };
        let path = repository.at(".git").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        drop(std::fs::remove_file(&path));
        symlink("/dev/zero", &path).unwrap();
        let code = capture(&repository.path, hurried.clone());
        assert_eq!(code.state, state, "{name}: {code:?}");
        let expected = format!("{name} is not a regular file");
        assert!(code.warnings[0].contains(&expected), "{name}: {code:?}");
        assert_eq!(code.commit.is_some(), state == State::Partial, "{name}");
        assert_eq!((code.work_tree, code.describe), (None, None), "{name}");
    }
    let Some(repository) = Repository::new() else {
        return;
    };
    for setting in ["core.excludesFile", "core.attributesFile"] {
        repository.git(&["config", setting, "/dev/zero"]);
        let code = capture(&repository.path, hurried.clone());
        assert_eq!(code.state, State::Partial, "{setting}: {code:?}");
        assert!(
            code.warnings[0].contains("/dev/zero"),
            "{setting}: {code:?}"
        );
        repository.git(&["config", "--unset", setting]);
    }
    // It has an end, and is nothing that somebody wrote.
    let ignored = std::fs::File::create(repository.at("below/.gitignore")).unwrap();
    ignored.set_len(1 << 40).unwrap();
    let code = capture(&repository.path, hurried);
    assert_eq!(code.state, State::Partial, "{code:?}");
    assert!(
        code.warnings[0].contains("larger than the limit"),
        "{code:?}"
    );
}

#[test]
fn folder_replaced_by_a_link_is_gone_and_nothing_behind_it_is_read() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let elsewhere = TempDir::new().unwrap();
    std::fs::write(elsewhere.path().join("three.txt"), "of somebody else\n").unwrap();
    std::fs::remove_dir_all(repository.at("below")).unwrap();
    symlink(elsewhere.path(), repository.at("below")).unwrap();
    let code = repository.is_as_git_says();
    assert_eq!(code.work_tree.unwrap().modified, 1);
    let lines = b"gone - below/three.txt\0";
    assert_eq!(code.patch, Some(Digest::of_named("code.patch", lines)));
}

#[test]
fn large_file_is_in_the_patch() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let size_bytes = 300 * 1024 * 1024;
    let file = std::fs::File::create(repository.at("one.txt")).unwrap();
    file.set_len(size_bytes).unwrap();
    let code = repository.code();
    assert_eq!(code.state, State::Captured, "{code:?}");
    assert!(code.patch.is_some());
}

#[test]
fn uncertain_repository_is_not_described_as_clean() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.put(".gitattributes", "*.bin filter=toy\n");
    repository.put("big.bin", "as committed\n");
    repository.commit("second");
    repository.git(&["tag", "--annotate", "--message", "one", "v1"]);
    repository.git(&["config", "filter.toy.clean", "cat"]);
    repository.put("big.bin", "changed, or made the same\n");
    let code = repository.code();
    assert_eq!(code.state, State::Partial, "{code:?}");
    assert_eq!((&code.describe, code.patch), (&None, None));
    // What is certain is said.
    repository.put("one.txt", "changed\n");
    assert_eq!(repository.code().describe.as_deref(), Some("v1-dirty"));
}

#[test]
fn sparse_index_leaves_the_commit_known_and_says_so() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.put("kept/four.txt", "four\n");
    repository.commit("second");
    repository.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "kept"]);
    let code = repository.code();
    assert_eq!(code.state, State::Partial, "{code:?}");
    assert!(code.commit.is_some() && code.work_tree.is_none());
    assert!(code.warnings[0].contains("sparse"), "{code:?}");
}

#[test]
fn submodules_too_deep_to_look_into_are_said() {
    let Some(mut inner) = Repository::new() else {
        return;
    };
    let mut kept = Vec::new();
    for _ in 0..9 {
        let Some(outer) = Repository::new() else {
            return;
        };
        let source = inner.path.to_str().unwrap();
        outer.git(&["submodule", "--quiet", "add", source, "m"]);
        outer.git(&["submodule", "--quiet", "update", "--init", "--recursive"]);
        outer.commit("with a module");
        kept.push(std::mem::replace(&mut inner, outer));
    }
    let code = inner.code();
    assert_eq!(code.state, State::Partial, "{code:?}");
    assert!(code.warnings[0].contains("deep"), "{code:?}");
    assert_eq!((code.describe, code.patch), (None, None));
    let above = kept.last().unwrap().code();
    assert_eq!(above.state, State::Captured, "{above:?}");
}

#[test]
fn patch_names_what_is_tracked_and_not_committed() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.put("one.txt", "changed\n");
    std::fs::remove_file(repository.at("two.txt")).unwrap();
    let first = repository.code().patch.unwrap();
    // As `docs/environment.md` says it is made.
    let content = Digest::of(b"changed\n");
    let lines = format!("file {content} one.txt\0gone - two.txt\0");
    assert_eq!(first, Digest::of_named("code.patch", lines.as_bytes()));

    repository.git(&["add", "--all"]);
    assert_eq!(repository.code().patch, Some(first), "staging is no change");
    repository.put("one.txt", "changed again\n");
    assert_ne!(repository.code().patch, Some(first));
    repository.put("one.txt", "changed\n");
    repository.put("untracked", "");
    let again = repository.code();
    assert_eq!(again.patch, Some(first));
    assert_eq!(again.work_tree.unwrap().untracked, 1);
    let link = repository.at("below/three.txt");
    std::fs::remove_file(&link).unwrap();
    symlink("../one.txt", &link).unwrap();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(repository.at("one.txt"), mode).unwrap();
    let target = Digest::of(b"../one.txt");
    let lines =
        format!("link {target} below/three.txt\0executable {content} one.txt\0gone - two.txt\0");
    assert_eq!(
        repository.code().patch,
        Some(Digest::of_named("code.patch", lines.as_bytes()))
    );
}

#[test]
fn no_program_that_a_repository_names_is_started() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let mark = repository.path.with_extension("mark");
    let command = format!("touch {} && cat", mark.display());
    repository.put(".gitattributes", "*.bin filter=toy\n*.txt diff=toy\n");
    repository.put("big.bin", "as committed\n");
    repository.commit("second");
    let settings = [
        "filter.toy.clean",
        "filter.toy.smudge",
        "filter.toy.process",
        "diff.toy.command",
        "diff.toy.textconv",
        "core.fsmonitor",
        "core.sshCommand",
    ];
    for setting in settings {
        repository.git(&["config", setting, &command]);
    }
    repository.put(
        "big.bin",
        "changed, or what the filter would make the same\n",
    );
    repository.put("one.txt", "changed\n");
    drop(std::fs::remove_file(&mark));
    let code = repository.code();
    assert!(!mark.exists(), "a program was started");
    assert_eq!(code.state, State::Partial, "{code:?}");
    assert_eq!(code.work_tree.unwrap().modified, 1);
    assert_eq!(code.patch, None);
    assert!(
        code.warnings.iter().any(|it| it.contains("filter")),
        "{code:?}"
    );
}

#[test]
fn nothing_is_written() {
    let Some(repository) = Repository::new() else {
        return;
    };
    // Equal contents at another time: `git status` would write the new time into the index.
    repository.put("one.txt", "one\n");
    let before = contents(&repository.at(".git"));
    repository.code();
    assert_eq!(contents(&repository.at(".git")), before);
}

/// Every file below a folder, with what it holds.
fn contents(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).ok();
            if path.is_dir() {
                folders.push(path.clone());
            }
            all.push((path, bytes));
        }
    }
    all.sort();
    all
}

#[test]
fn damaged_index_leaves_the_commit_known_and_the_counts_unknown() {
    let Some(repository) = Repository::new() else {
        return;
    };
    std::fs::write(repository.at(".git/index"), b"DIRC and then garbage").unwrap();
    let code = repository.code();
    assert_eq!(code.state, State::Partial, "{code:?}");
    assert!(code.commit.is_some());
    assert_eq!((code.work_tree, code.patch), (None, None));
    assert!(!code.warnings.is_empty());
}

#[test]
fn damaged_repository_is_unreadable_and_not_absent() {
    let Some(repository) = Repository::new() else {
        return;
    };
    std::fs::write(repository.at(".git/HEAD"), b"\0garbage").unwrap();
    let code = repository.code();
    assert_eq!(code.state, State::Unreadable, "{code:?}");
    assert!(!code.warnings.is_empty());
}

#[test]
fn repository_of_another_user_is_unreadable_as_git_has_it() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let mut chown = Command::new("chown");
    chown.arg("-R").arg("1234").arg(&repository.path);
    if !chown.output().is_ok_and(|it| it.status.success()) {
        skipped("only root gives a repository to somebody else");
        return;
    }
    if git_in(&repository.path, &["status"]).status.success() {
        skipped("safe.directory lets every repository in here");
        return;
    }
    let code = repository.code();
    assert_eq!(code.state, State::Unreadable, "{code:?}");
    assert!(code.warnings[0].contains("safe.directory"), "{code:?}");
}

#[test]
fn end_of_a_shallow_history_is_said() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.put("one.txt", "changed\n");
    repository.commit("second");
    let shallow = repository.path.with_extension("shallow");
    let from = format!("file://{}", repository.path.display());
    repository.git(&[
        "clone",
        "--quiet",
        "--depth=1",
        &from,
        shallow.to_str().unwrap(),
    ]);
    let code = read(&shallow);
    assert_eq!(code.state, State::Captured, "{code:?}");
    assert!(code.is_shallow);
    assert_eq!(code.commit, repository.code().commit);
}

#[test]
fn no_time_leaves_nothing_known_and_says_so() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let options = Options {
        time_ms_max: 0,
        ..Options::default()
    };
    let code = capture(&repository.path, options);
    assert_ne!(code.state, State::Captured);
    assert_ne!(code.state, State::Absent);
    assert!(code.warnings[0].contains("within 0 ms"), "{code:?}");
}

#[test]
fn folder_that_is_passed_over_counts_nowhere_and_is_not_gone_into() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.put("store/log", "one\n");
    repository.put("stores/code.py", "fit()\n");
    repository.commit("with what is in the store");
    repository.put("store/log", "two\n");
    repository.put("store/below/new", "");
    repository.put("stores/new.py", "");
    repository.git(&["add", "--force", "store/below/new"]);
    repository.put("store/untracked", "");
    // What cannot be gone into would be an error.
    let closed = repository.at("store/closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let options = Options {
        passed_over: vec![repository.at("store"), repository.at("elsewhere")],
        ..patient()
    };
    let code = capture(&repository.path, options);
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(code.state, State::Captured, "{:?}", code.warnings);
    let one_file = WorkTree {
        untracked: 1,
        ..WorkTree::default()
    };
    assert_eq!((code.work_tree, code.patch), (Some(one_file), None));
    // One around the work tree itself passes nothing over.
    let options = Options {
        passed_over: vec![repository.path.clone()],
        ..patient()
    };
    assert_eq!(
        capture(&repository.path, options).work_tree,
        Some(counts(&repository.path))
    );
}
