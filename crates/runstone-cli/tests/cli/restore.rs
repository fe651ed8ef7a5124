//! `runstone env restore`: what it refuses, and that nothing is started then; what is done is what
//! was shown. The environment is a folder that looks like a virtual one; uv is a script that says
//! and does what a test tells it. For real it is tried by `just restore-python` and its likes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::scene::Scene;

/// One restore at a time on a host: the tests that act stand in line, also those of another run of
/// the tests.
static HERE: Mutex<()> = Mutex::new(());

pub(crate) struct Alone {
    _here: MutexGuard<'static, ()>,
    _on_this_host: File,
}

pub(crate) fn alone() -> Alone {
    let here = HERE.lock().unwrap_or_else(PoisonError::into_inner);
    let user = rustix::process::geteuid().as_raw();
    let line = std::env::temp_dir().join(format!("runstone-tests-of-restore-{user}.lock"));
    let line = File::options()
        .create(true)
        .append(true)
        .open(line)
        .unwrap();
    rustix::fs::flock(&line, rustix::fs::FlockOperation::LockExclusive).unwrap();
    Alone {
        _here: here,
        _on_this_host: line,
    }
}

/// What uv does beside recording its words: announces what it is told, and does it.
const OBEDIENT: &str = r#"
mode=act
for word; do [ "$word" = --dry-run ] && mode=prove; done
while [ "$1" != -- ]; do [ "$1" = uninstall ] && gone=1; shift; done
shift
for item; do
  name=${item%%==*}
  if [ $mode = prove ]; then echo " + $item" >&2; continue; fi
  rm -rf "$SITE/$name"-*.dist-info
  [ "$gone" ] && continue
  put "$name" "${item#*==}"
done
"#;

/// A scene with an environment of Python and a uv of its own.
struct Restoring {
    scene: Scene,
}

impl Restoring {
    fn new() -> Self {
        let restoring = Self {
            scene: Scene::with_store(&[]),
        };
        let venv = restoring.venv();
        let scene = &restoring.scene;
        let base = scene.project().join("base");
        for folder in ["bin", "lib/python3.11"] {
            std::fs::create_dir_all(base.join(folder)).unwrap();
        }
        std::fs::create_dir_all(restoring.site()).unwrap();
        std::fs::create_dir_all(venv.join("bin")).unwrap();
        std::fs::create_dir_all(scene.project().join("tools")).unwrap();
        scene.file("base/bin/python3.11", "\u{7f}ELF");
        scene.file("venv/bin/python3", "\u{7f}ELF");
        let settings = format!("home = {}\nversion = 3.11.7\n", base.join("bin").display());
        scene.file("venv/pyvenv.cfg", settings);
        restoring.uv(OBEDIENT);
        restoring
    }

    fn venv(&self) -> PathBuf {
        self.scene.project().join("venv")
    }

    fn site(&self) -> PathBuf {
        self.venv().join("lib/python3.11/site-packages")
    }

    /// Puts a version of a distribution in place.
    fn put(&self, name: &str, version: &str) -> &Self {
        let folder = format!("venv/lib/python3.11/site-packages/{name}-{version}.dist-info");
        std::fs::create_dir_all(self.scene.project().join(&folder)).unwrap();
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        self.scene.file(&format!("{folder}/METADATA"), metadata);
        self
    }

    fn gone(&self, name: &str, version: &str) -> &Self {
        std::fs::remove_dir_all(self.site().join(format!("{name}-{version}.dist-info"))).unwrap();
        self
    }

    /// Makes uv do what `script` says, after it wrote its words down.
    fn uv(&self, script: &str) -> &Self {
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nSITE='{}'\n\
             put() {{ mkdir \"$SITE/$1-$2.dist-info\"; printf 'Metadata-Version: 2.1\\nName: %s\\n\
             Version: %s\\n' \"$1\" \"$2\" >\"$SITE/$1-$2.dist-info/METADATA\"; }}\n\
             echo \"$*\" >>'{}'\n{script}",
            self.site().display(),
            self.scene.project().join("heard").display()
        );
        self.scene.file("tools/uv", text);
        let path = self.scene.project().join("tools/uv");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, mode).unwrap();
        self
    }

    /// Returns what uv was told beside saying what it would do.
    fn acted(&self) -> Vec<String> {
        let heard = std::fs::read_to_string(self.scene.project().join("heard"));
        let heard = heard.unwrap_or_default();
        let acted = heard.lines().filter(|line| !line.contains("--dry-run"));
        acted.map(ToOwned::to_owned).collect()
    }

    fn heard(&self) -> String {
        std::fs::read_to_string(self.scene.project().join("heard")).unwrap_or_default()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.scene.command(arguments);
        let tools = self.scene.project().join("tools");
        command
            .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
            .env("HOME", self.scene.project().join("home"));
        command
    }

    fn create(&self) -> String {
        let venv = self.venv();
        let arguments = [
            "env",
            "create",
            "--python",
            venv.to_str().unwrap(),
            "--json",
        ];
        let output = self.command(&arguments).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    fn restore(&self, arguments: &[&str]) -> Output {
        let venv = self.venv();
        let first = ["env", "restore", "--python", venv.to_str().unwrap()];
        self.command(&[&first, arguments].concat())
            .output()
            .unwrap()
    }

    /// Restores what pip has, and returns the exit code and what was said.
    fn said(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.restore(&[&["--only", "pip"], arguments].concat());
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(said).unwrap(),
        )
    }

    /// Restores what pip has, which has to fail, and returns the exit code and the error.
    fn error(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.restore(&[&["--only", "pip", "--json"], arguments].concat());
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert!(output.stdout.is_empty());
        (output.status.code().unwrap(), error["error"].clone())
    }

    fn journals(&self) -> Vec<PathBuf> {
        let folder = self
            .scene
            .project()
            .join("home/.local/state/runstone/restores");
        let listed = std::fs::read_dir(folder).into_iter().flatten();
        let mut paths: Vec<PathBuf> = listed.map(|it| it.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// Holds that nothing was done: no word to uv but to say what it would do, no journal, and no
    /// environment kept but `kept`.
    fn nothing_was_done(&self, kept: u64) {
        assert_eq!(self.acted(), Vec::<String>::new());
        assert_eq!(self.journals(), Vec::<PathBuf>::new());
        let listed = self.scene.json(&["env", "list"]);
        assert_eq!(
            listed["environments"].as_array().unwrap().len() as u64,
            kept
        );
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn what_was_is_there_again_and_the_way_back_leads_back() {
    let _alone = alone();
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0").put("idna", "3.6");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0").gone("idna", "3.6");
    restoring.put("attrs", "24.2.0").put("toolz", "0.12.1");
    let (code, said) = restoring.said(&[&good, "--prune", "--dry-run", "--exit-code"]);
    assert_eq!(code, 4, "{said}");
    restoring.nothing_was_done(1);
    for row in [
        "downgrade   attrs  24.2.0 → 23.2.0",
        "install     idna   3.6",
        "remove      toolz",
    ] {
        assert!(said.contains(row), "{said}");
    }
    let (code, said) = restoring.said(&[&good, "--prune", "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("restored exactly: pip"), "{said}");
    assert!(
        said.contains("back by  `runstone env restore env#2 --prune --only pip"),
        "{said}"
    );
    let acted = restoring.acted();
    assert!(acted[0].ends_with("-- toolz") && acted[1].ends_with("-- attrs==23.2.0 idna==3.6"));
    let (code, _) = restoring.said(&[&good, "--prune", "--dry-run", "--exit-code"]);
    assert_eq!(code, 0);
    // What was there before is kept and pinned, and named in the journal.
    let listed = restoring.scene.json(&["env", "list"]);
    assert_eq!(listed["environments"][0]["pinned"], true);
    let journal = lines(&restoring.journals()[0]);
    let events: Vec<&str> = journal
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        events,
        ["began", "starts", "ended", "starts", "ended", "finished"]
    );
    assert_eq!(journal[0]["safety"], "env#2");
    assert_eq!(journal[3]["argv"][0], "uv");
    assert_eq!(journal[5]["outcome"], "exactly");
    let (code, said) = restoring.said(&["env#2", "--prune", "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert!(restoring.site().join("toolz-0.12.1.dist-info").is_dir());
}

#[test]
fn what_a_manager_would_do_beside_the_plan_is_refused_and_nothing_starts() {
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring
        .gone("attrs", "23.2.0")
        .put("attrs", "24.2.0")
        .put("idna", "3.6");
    restoring.uv("echo ' - attrs==24.2.0\n + attrs==23.2.0\n - idna==3.6\n + evil==1' >&2");
    let (code, error) = restoring.error(&[&good, "--yes"]);
    assert_eq!((code, &error["code"]), (6, &Value::from("collateral")));
    let details = error["details"].as_array().unwrap();
    assert_eq!(
        details,
        &["not planned: remove idna", "not planned: install evil 1"]
    );
    restoring.uv("echo ' + attrs==23.1.0' >&2");
    let (code, error) = restoring.error(&[&good, "--dry-run"]);
    assert_eq!((code, &error["code"]), (6, &Value::from("collateral")));
    assert_eq!(error["details"][1], "would not happen: attrs 23.2.0");
    restoring.uv("echo ' + what is this' >&2");
    assert_eq!(
        restoring.error(&[&good, "--yes"]).1["code"],
        "proof_unclear"
    );
    restoring.uv("echo no network >&2; exit 2");
    let (code, error) = restoring.error(&[&good, "--yes"]);
    assert_eq!((code, &error["code"]), (1, &Value::from("unproven")));
    assert_eq!(error["details"][0], "no network");
    restoring.nothing_was_done(1);
}

#[test]
fn version_that_is_gone_is_said_before_anything_starts() {
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0");
    restoring.uv(
        "echo '  cause: Because there is no version of attrs==23.2.0 and you require' >&2; exit 1",
    );
    let (code, said) = restoring.said(&[&good, "--yes"]);
    assert_eq!(code, 6);
    assert!(
        said.starts_with("error: pip cannot find attrs==23.2.0 any more, nothing was started"),
        "{said}"
    );
    restoring.nothing_was_done(1);
}

#[test]
fn failed_capture_on_either_side_is_refused() {
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    rustix::fs::rename(restoring.venv(), restoring.scene.project().join("hidden")).unwrap();
    let failed = restoring.create();
    let (code, error) = restoring.error(&[&good, "--prune", "--yes"]);
    assert_eq!((code, &error["code"]), (6, &Value::from("not_restorable")));
    let now = "pip: `python` is unreadable now and captured in the target";
    assert_eq!(error["details"][0], now);
    rustix::fs::rename(restoring.scene.project().join("hidden"), restoring.venv()).unwrap();
    let (code, error) = restoring.error(&[&failed, "--prune", "--yes"]);
    assert_eq!(code, 6);
    let then = "pip: `python` is captured now and unreadable in the target";
    assert_eq!(error["details"][0], then);
    restoring.nothing_was_done(2);
}

#[test]
fn another_system_is_refused_unless_it_is_allowed_to_managers_of_one_user() {
    let restoring = Restoring::new();
    let machine = runstone_testkit::Machine::new();
    machine.file("etc/os-release", "ID=elsewhere\nVERSION_ID=3\n");
    machine.python("attrs", "23.2.0");
    let root = machine.path().to_str().unwrap();
    let created = restoring
        .command(&["env", "create", "--root", root])
        .output()
        .unwrap();
    assert!(created.status.success());
    let (code, said) = restoring.said(&["env#1", "--yes"]);
    assert_eq!(code, 6);
    assert!(said.contains("another distribution:") && said.contains("elsewhere 3 in the target"));
    assert!(said.contains("`--only pip --allow-foreign`"), "{said}");
    restoring.nothing_was_done(1);
    let (code, said) = restoring.said(&["env#1", "--allow-foreign", "--dry-run", "--exit-code"]);
    assert_eq!(code, 4, "{said}");
    // What is captured in place of the machine cannot be restored on it.
    let output = restoring
        .command(&["env", "restore", "env#1", "--dry-run"])
        .env("RUNSTONE_ENVIRONMENT_ROOT", root)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn hostile_names_are_shown_and_told_to_nobody() {
    let _alone = alone();
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    for (folder, name) in [
        ("aa", "-rf"),
        ("bb", "--index-url=https://evil"),
        ("cc", "x;id"),
    ] {
        let folder = format!("venv/lib/python3.11/site-packages/{folder}-1.0.dist-info");
        std::fs::create_dir(restoring.scene.project().join(&folder)).unwrap();
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
        restoring
            .scene
            .file(&format!("{folder}/METADATA"), metadata);
    }
    restoring.put("evil", "1.0; rm");
    let hostile = restoring.create();
    for (name, version) in [
        ("aa", "1.0"),
        ("bb", "1.0"),
        ("cc", "1.0"),
        ("evil", "1.0; rm"),
        ("attrs", "23.2.0"),
    ] {
        restoring.gone(name, version);
    }
    let (code, said) = restoring.said(&[&hostile, "--yes"]);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("restored with 4 differences"), "{said}");
    assert!(said.contains(": its name is none of Python's"), "{said}");
    assert!(said.contains(": its version is none of"), "{said}");
    for hostile in ["-rf", "--index-url", "x;id", "evil"] {
        assert!(
            !restoring.heard().contains(hostile),
            "{}",
            restoring.heard()
        );
    }
    assert!(restoring.acted()[0].ends_with("-- attrs==23.2.0"));
}

#[test]
fn editable_install_is_said_and_not_restored() {
    let restoring = Restoring::new();
    restoring.put("mine", "1.0");
    let folder = "venv/lib/python3.11/site-packages/mine-1.0.dist-info";
    let origin = r#"{"url":"file:///home/me/mine","dir_info":{"editable":true}}"#;
    restoring
        .scene
        .file(&format!("{folder}/direct_url.json"), origin);
    let edited = restoring.create();
    restoring.gone("mine", "1.0");
    let (code, said) = restoring.said(&[&edited, "--yes", "--allow-source", "https://host/team"]);
    assert_eq!(code, 5, "{said}");
    assert!(
        said.contains("unavailable mine  1.0: it is editable"),
        "{said}"
    );
    restoring.nothing_was_done(1);
    let (code, said) = restoring.said(&[&edited, "--allow-source", "http://host"]);
    assert_eq!(code, 2);
    assert!(
        said.contains("is no address that begins with https:// or ssh://"),
        "{said}"
    );
}

#[test]
fn nothing_is_done_that_nobody_confirmed() {
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0");
    let (code, said) = restoring.said(&[&good]);
    assert_eq!(code, 6);
    assert!(
        said.contains("error: nothing was restored: nobody confirmed it"),
        "{said}"
    );
    let (code, error) = restoring.error(&[&good]);
    assert_eq!((code, &error["code"]), (6, &Value::from("refused")));
    restoring.nothing_was_done(1);
}

#[test]
fn what_names_no_environment_is_not_found_also_in_a_dry_run() {
    let restoring = Restoring::new();
    for (reference, expected) in [
        ("env#9", 3),
        ("0000000000", 3),
        ("@latest", 3),
        ("../x", 2),
        ("", 2),
        ("-rf", 2),
    ] {
        let (code, said) = restoring.said(&["--dry-run", "--", reference]);
        assert_eq!(code, expected, "{reference}: {said}");
        assert!(
            said.starts_with("error: ") && said.contains("hint: "),
            "{said}"
        );
    }
    restoring.nothing_was_done(0);
}

#[test]
fn manager_that_fails_ends_it_and_the_way_back_is_said() {
    let _alone = alone();
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0").put("toolz", "1.0");
    restoring.uv(&format!(
        "case \"$*\" in *--dry-run*|*uninstall*) ;; *) echo disk full >&2; exit 9;; esac\n{OBEDIENT}"
    ));
    let (code, said) = restoring.said(&[&good, "--prune", "--yes"]);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("stopped: pip failed (exit 9)"), "{said}");
    assert!(
        said.contains("  disk full") && said.contains("back by  `runstone env"),
        "{said}"
    );
    assert!(said.contains("install     attrs"), "{said}");
    let journal = lines(&restoring.journals()[0]);
    assert_eq!(journal[4]["code"], 9);
    assert_eq!(journal[4]["said"], "disk full\n");
    assert_eq!(journal[5]["outcome"], "stopped");
}

#[test]
fn manager_that_does_not_do_what_it_said_is_found_out() {
    let _alone = alone();
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0");
    restoring.uv(&format!(
        "case \"$*\" in *--dry-run*) ;; *) put attrs 22.0.0; exit 0;; esac\n{OBEDIENT}"
    ));
    let output = restoring.restore(&[&good, "--only", "pip", "--yes", "--json"]);
    assert_eq!(output.status.code(), Some(5));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["outcome"], "with_differences");
    assert_eq!(answer["differences"][0]["before"], "22.0.0");
    assert_eq!(answer["ran"][0]["code"], 0);
}

#[test]
fn plan_that_was_written_down_is_made_again_and_never_believed() {
    let _alone = alone();
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0");
    let planned = restoring.restore(&[&good, "--only", "pip", "--dry-run", "--json"]);
    let plan = String::from_utf8(planned.stdout).unwrap();
    let follow = |text: &str| {
        restoring.scene.file("plan.json", text);
        let arguments = ["env", "restore", "--plan", "plan.json", "--yes", "--json"];
        let output = restoring.command(&arguments).output().unwrap();
        let said = if output.stdout.is_empty() {
            output.stderr
        } else {
            output.stdout
        };
        let answer: Value = serde_json::from_slice(&said).unwrap();
        (output.status.code().unwrap(), answer)
    };
    // Another version, and a policy that allows more.
    for (from, to) in [("23.2.0", "23.1.0"), ("\"prune\":false", "\"prune\":true")] {
        let (code, answer) = follow(&plan.replace(from, to));
        assert_eq!(
            (code, &answer["error"]["code"]),
            (2, &Value::from("not_a_plan"))
        );
    }
    for no_plan in ["{}", "{", "[]", r#"{"schema":"runstone.restore-plan/1"}"#] {
        assert_eq!(follow(no_plan).0, 2, "{no_plan}");
    }
    restoring.put("idna", "3.6");
    let (code, answer) = follow(&plan);
    assert_eq!(
        (code, &answer["error"]["code"]),
        (6, &Value::from("other_machine"))
    );
    restoring.nothing_was_done(1);
    restoring.gone("idna", "3.6");
    let (code, answer) = follow(&plan);
    assert_eq!((code, &answer["outcome"]), (0, &Value::from("exactly")));
}

#[test]
fn second_restore_on_a_host_is_told_of_the_first() {
    let _alone = alone();
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0");
    let user = rustix::process::geteuid();
    let path = if user.is_root() {
        "/run/runstone-restore.lock".to_owned()
    } else {
        format!("/tmp/runstone-restore-{}.lock", user.as_raw())
    };
    let lock = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let (code, error) = restoring.error(&[&good, "--yes"]);
    assert_eq!(
        (code, &error["code"]),
        (7, &Value::from("restore_under_way"))
    );
    // Looking takes no lock.
    assert_eq!(restoring.said(&[&good, "--dry-run"]).0, 0);
    restoring.nothing_was_done(1);
}

#[test]
fn restore_that_is_killed_says_what_was_under_way_and_lets_it_end() {
    let _alone = alone();
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0");
    let pipe = |name: &str| {
        let path = restoring.scene.project().join(name);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).unwrap();
        path
    };
    let (started, go, ended) = (pipe("started"), pipe("go"), pipe("ended"));
    restoring.uv(&format!(
        "case \"$*\" in *--dry-run*) ;; *) echo >'{}'; read go <'{}';; esac\n{OBEDIENT}\n\
         [ $mode = prove ] || echo >'{}'\n",
        started.display(),
        go.display(),
        ended.display()
    ));
    let venv = restoring.venv();
    let first = ["env", "restore", "--python", venv.to_str().unwrap()];
    let mut child = restoring
        .command(&[&first[..], &[&good, "--only", "pip", "--yes"]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::fs::read(&started).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut go = std::fs::OpenOptions::new().write(true).open(&go).unwrap();
    std::io::Write::write_all(&mut go, b"\n").unwrap();
    std::fs::read(&ended).unwrap();
    let journal = lines(&restoring.journals()[0]);
    assert_eq!(journal.last().unwrap()["event"], "starts");
    assert_eq!(journal[0]["safety"], "env#2");
    let (code, said) = restoring.said(&[&good, "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("nothing to do"), "{said}");
    let (code, said) = restoring.said(&["env#2", "--prune", "--dry-run"]);
    assert!(code == 0 && said.contains("remove      attrs"), "{said}");
}

#[test]
fn script_does_what_was_shown() {
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0");
    let (code, said) = restoring.said(&[&good, "--emit-script", "restore.sh"]);
    assert_eq!(code, 0, "{said}");
    restoring.nothing_was_done(1);
    let (code, _) = restoring.said(&[&good, "--emit-script", "restore.sh"]);
    assert_eq!(code, 6);
    let tools = restoring.scene.project().join("tools");
    let status = Command::new("/bin/sh")
        .arg(restoring.scene.project().join("restore.sh"))
        .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
        .status()
        .unwrap();
    assert!(status.success());
    let (code, said) = restoring.said(&[&good, "--dry-run", "--exit-code"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn plan_of_a_fresh_environment_is_no_script() {
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    let (code, plan) = restoring.said(&[&good, "--into", "../fresh", "--dry-run", "--json"]);
    assert_eq!(code, 0, "{plan}");
    assert!(!plan.contains("/../"), "{plan}");
    restoring.scene.file("plan.json", &plan);
    let arguments = ["--plan", "plan.json", "--emit-script", "restore.sh"];
    let output = restoring.restore(&arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("a script cannot verify"), "{said}");
    assert!(!restoring.scene.project().join("restore.sh").exists());
}

#[test]
fn interpreter_that_is_no_virtual_one_is_left_alone() {
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    std::fs::remove_file(restoring.venv().join("pyvenv.cfg")).unwrap();
    restoring.scene.file("venv/lib/python3.11/os.py", "");
    restoring.gone("attrs", "23.2.0");
    let (code, said) = restoring.said(&[&good, "--yes"]);
    assert_eq!(code, 6, "{said}");
    assert!(
        said.contains("the interpreter is no virtual environment's"),
        "{said}"
    );
    assert!(said.contains("`--into DIR`"), "{said}");
    restoring.nothing_was_done(1);
}

#[test]
fn every_example_of_a_restore_on_the_json_page_is_what_the_command_prints() {
    let _alone = alone();
    let page = include_str!("../../../../docs/json.md");
    let restoring = Restoring::new();
    restoring.put("attrs", "23.2.0");
    let good = restoring.create();
    restoring.gone("attrs", "23.2.0");
    restoring
        .put("attrs", "24.2.0")
        .put("pip", "24.0")
        .put("toolz", "0.12.1");
    let mut unwritten = Vec::new();
    for arguments in [
        &[&good, "--only", "pip", "--dry-run", "--json"][..],
        &[&good, "--only", "pip", "--prune", "--yes", "--json"],
    ] {
        let output = restoring.restore(arguments);
        let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let project = restoring.scene.project();
        set_what_varies(&mut document, project.to_str().unwrap());
        let document = serde_json::to_string_pretty(&document).unwrap();
        if !page.contains(&format!("```json\n{document}\n```")) {
            unwritten.push(document);
        }
    }
    assert!(
        unwritten.is_empty(),
        "docs/json.md lacks:\n{}",
        unwritten.join("\n\n")
    );
}

/// Puts the same in place of what is another on every machine.
fn set_what_varies(document: &mut Value, project: &str) {
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "took_ms" {
                    *value = 140.into();
                } else {
                    set_what_varies(value, project);
                }
            }
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|it| set_what_varies(it, project)),
        Value::String(text) => {
            const DIGEST: &str = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
            if text.len() == 64 && text.bytes().all(|it| it.is_ascii_hexdigit()) {
                DIGEST.clone_into(text);
            } else if let Some((folder, _digits)) = text.rsplit_once("Z-") {
                *text = format!("{folder}Z-{}.jsonl", &DIGEST[..12]);
            }
            *text = text.replace(project, "/home/ana");
        }
        _ => {}
    }
}
