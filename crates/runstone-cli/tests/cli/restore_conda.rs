//! `runstone env restore` of a prefix of conda: what is told to conda and what is refused. The
//! prefix is a folder with lists of packages; conda is a script that answers as conda 26.7 does, and
//! does what a test tells it. For real it is tried by `just restore-conda`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::restore::alone;
use crate::scene::Scene;

/// What conda does beside recording its words: announces what it is told as one document, or does
/// it.
const OBEDIENT: &str = r#"
verb=$1
asked=$3
mode=act
for word; do [ "$word" = --dry-run ] && mode=prove; done
while [ "$1" != -- ]; do shift; done
shift
[ $mode = prove ] && printf '{"success": true, "dry_run": true, "actions": {"PREFIX": "%s", ' "$asked"
[ $mode = prove ] && { [ $verb = remove ] && printf '"UNLINK": [' || printf '"LINK": ['; }
comma=
for item; do
  name=${item%%=*}
  build=${item##*=}
  version=${item#*=}
  version=${version%=*}
  if [ $mode = prove ]; then
    printf '%s{"name": "%s", "version": "%s", "build_string": "%s"}' "$comma" "$name" "$version" "$build"
    comma=', '
    continue
  fi
  rm -f "$PREFIX/conda-meta/$name"-[0-9]*.json
  [ $verb = remove ] || put "$name" "$version" "$build"
done
[ $mode = prove ] && printf ']}}\n'
exit 0
"#;

/// A scene with a prefix and a conda of its own.
struct Restoring {
    scene: Scene,
}

impl Restoring {
    fn new() -> Self {
        let restoring = Self {
            scene: Scene::with_store(&[]),
        };
        std::fs::create_dir_all(restoring.meta()).unwrap();
        std::fs::create_dir_all(restoring.scene.project().join("tools")).unwrap();
        restoring.conda(OBEDIENT);
        restoring
    }

    fn prefix(&self) -> PathBuf {
        self.scene.project().join("prefix")
    }

    fn meta(&self) -> PathBuf {
        self.prefix().join("conda-meta")
    }

    fn file(name: &str, version: &str, build: &str) -> String {
        format!("prefix/conda-meta/{name}-{version}-{build}.json")
    }

    fn put(&self, name: &str, version: &str, build: &str) -> &Self {
        let text = json!({ "name": name, "version": version, "build": build }).to_string();
        self.scene.file(&Self::file(name, version, build), text);
        self
    }

    fn gone(&self, name: &str, version: &str, build: &str) -> &Self {
        let file = self.scene.project().join(Self::file(name, version, build));
        std::fs::remove_file(file).unwrap();
        self
    }

    /// Makes conda do what `script` says, after it wrote its words and its variables down.
    fn conda(&self, script: &str) -> &Self {
        let project = self.scene.project();
        let text = format!(
            "#!/bin/sh\nPREFIX='{}'\nput() {{ printf '{{\"name\": \"%s\", \"version\": \"%s\", \
             \"build\": \"%s\"}}' \"$1\" \"$2\" \"$3\" >\"$PREFIX/conda-meta/$1-$2-$3.json\"; }}\n\
             echo \"$*\" >>'{}'\nexport >'{}'\n{script}",
            self.prefix().display(),
            project.join("heard").display(),
            project.join("variables").display(),
        );
        self.scene.file("tools/conda", text);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(project.join("tools/conda"), mode).unwrap();
        self
    }

    /// Returns what conda was told beside saying what it would do, without the prefix.
    fn acted(&self) -> Vec<String> {
        let heard = std::fs::read_to_string(self.scene.project().join("heard"));
        let heard = heard.unwrap_or_default();
        let prefix = format!(" --prefix {}", self.prefix().display());
        let acted = heard.lines().filter(|line| !line.contains("--dry-run"));
        acted.map(|line| line.replace(&prefix, "")).collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.scene.command(arguments);
        let project = self.scene.project();
        command
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", project.join("tools").display()),
            )
            .env("HOME", project.join("home"))
            .env("CONDA_PREFIX", self.prefix());
        command
    }

    fn create(&self) -> String {
        let output = self.command(&["env", "create", "--json"]).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Restores what conda has, and returns the exit code and what was said.
    fn said(&self, arguments: &[&str]) -> (i32, String) {
        let first = ["env", "restore", "--only", "conda"];
        let output = self
            .command(&[&first, arguments].concat())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let code = output.status.code().unwrap();
        (code, String::from_utf8(said).unwrap())
    }

    /// Restores what conda has, which has to fail, and returns the exit code and the error.
    fn error(&self, arguments: &[&str]) -> (i32, Value) {
        let first = ["env", "restore", "--only", "conda", "--json"];
        let output = self
            .command(&[&first, arguments].concat())
            .output()
            .unwrap();
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        (output.status.code().unwrap(), error["error"].clone())
    }
}

#[test]
fn prefix_is_what_it_was_by_version_and_build() {
    let _alone = alone();
    let restoring = Restoring::new();
    restoring
        .put("mkl", "2024.1", "h0_0")
        .put("zlib", "1.3", "h0_0");
    let good = restoring.create();
    restoring
        .gone("mkl", "2024.1", "h0_0")
        .gone("zlib", "1.3", "h0_0");
    restoring
        .put("mkl", "2024.2", "h0_0")
        .put("zlib", "1.3", "h1_1")
        .put("extra", "1", "0");
    let (code, said) = restoring.said(&[&good, "--prune", "--dry-run", "--exit-code"]);
    assert_eq!(code, 4, "{said}");
    for row in [
        "remove      extra  1=0",
        "downgrade   mkl    2024.2=h0_0 → 2024.1=h0_0",
        "reinstall   zlib   1.3=h1_1 → 1.3=h0_0",
    ] {
        assert!(said.contains(row), "{said}");
    }
    assert_eq!(restoring.acted(), [""; 0]);
    let (code, said) = restoring.said(&[&good, "--prune", "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("restored exactly: conda"), "{said}");
    assert_eq!(
        restoring.acted(),
        [
            "remove --yes --quiet --force-remove -- extra",
            "install --yes --quiet --no-deps -- mkl=2024.1=h0_0 zlib=1.3=h0_0",
        ]
    );
    let (code, said) = restoring.said(&["env#2", "--prune", "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert!(restoring.meta().join("extra-1-0.json").is_file());
}

#[test]
fn what_conda_would_do_beside_the_plan_is_refused_and_nothing_starts() {
    let restoring = Restoring::new();
    restoring.put("mkl", "2024.1", "h0_0");
    let good = restoring.create();
    restoring
        .gone("mkl", "2024.1", "h0_0")
        .put("mkl", "2024.2", "h0_0");
    let document = |mut actions: Value| {
        if actions.get("PREFIX").is_none() {
            actions["PREFIX"] = restoring.prefix().to_str().unwrap().into();
        }
        let said = json!({ "success": true, "actions": actions, "dry_run": true });
        format!("cat <<'JSON'\n{said}\nJSON\n")
    };
    let package = |name: &str, version: &str| json!({ "name": name, "version": version, "build_string": "h0_0" });
    for (actions, details) in [
        (
            json!({
                "UNLINK": [package("mkl", "2024.2"), package("numpy", "1")],
                "LINK": [package("mkl", "2024.1"), package("openssl", "4")],
            }),
            &[
                "not planned: remove numpy",
                "not planned: install openssl 4=h0_0",
            ][..],
        ),
        (
            json!({ "UNLINK": [package("mkl", "2024.2")], "LINK": [package("mkl", "2024.1.0")] }),
            &[
                "not planned: install mkl 2024.1.0=h0_0",
                "would not happen: mkl 2024.1=h0_0",
            ],
        ),
    ] {
        restoring.conda(&document(actions));
        let (code, error) = restoring.error(&[&good, "--yes"]);
        assert_eq!((code, &error["code"]), (6, &Value::from("collateral")));
        assert_eq!(error["details"], json!(details));
    }
    restoring.conda(&document(json!({ "PREFIX": "/elsewhere", "LINK": [] })));
    let (code, error) = restoring.error(&[&good, "--yes"]);
    assert_eq!((code, &error["code"]), (6, &Value::from("proof_unclear")));
    assert_eq!(restoring.acted(), [""; 0]);
}

#[test]
fn what_conda_cannot_have_or_do_is_said_in_its_words() {
    let restoring = Restoring::new();
    restoring.put("mkl", "2024.1", "h0_0");
    let good = restoring.create();
    restoring.gone("mkl", "2024.1", "h0_0");
    let fails = |name: &str, message: &str| {
        let said = json!({
            "error": format!("{name}: {message}"), "exception_name": name, "message": message,
            "packages": ["mkl==2024.1=h0_0"],
        });
        format!("cat <<'JSON'\n{said:#}\nJSON\nexit 1\n")
    };
    restoring.conda(&fails("PackagesNotFoundInChannelsError", "not available"));
    let (code, said) = restoring.said(&[&good, "--yes"]);
    assert_eq!(code, 6, "{said}");
    let gone = "error: conda cannot find mkl==2024.1=h0_0 any more, nothing was started";
    assert!(said.starts_with(gone), "{said}");
    restoring.conda(&fails("CondaHTTPError", "no network\nnor any cache"));
    let (code, error) = restoring.error(&[&good, "--yes"]);
    assert_eq!((code, &error["code"]), (1, &Value::from("unproven")));
    assert_eq!(error["details"], json!(["no network", "nor any cache"]));
    std::fs::remove_file(restoring.scene.project().join("tools/conda")).unwrap();
    let (code, error) = restoring.error(&[&good, "--yes"]);
    assert_eq!((code, &error["code"]), (1, &Value::from("no_manager")));
}

#[test]
fn prefix_that_conda_stands_in_is_refused() {
    let restoring = Restoring::new();
    restoring.put("conda", "26.7.0", "0").put("mkl", "1", "0");
    let good = restoring.create();
    restoring.gone("mkl", "1", "0");
    let (code, error) = restoring.error(&[&good, "--yes"]);
    assert_eq!((code, &error["code"]), (6, &Value::from("not_restorable")));
    let own =
        "conda: the prefix is the one that `conda` itself stands in: make another one beside it";
    assert_eq!(error["details"], json!([own]));
    assert!(!restoring.scene.project().join("heard").exists());
}

#[test]
fn channels_of_the_caller_pass_and_nothing_that_runs_code() {
    let restoring = Restoring::new();
    restoring.put("mkl", "1", "0");
    let good = restoring.create();
    restoring.gone("mkl", "1", "0");
    let mut command = restoring.command(&["env", "restore", "--only", "conda", &good, "--dry-run"]);
    command
        .env("CONDARC", "/srv/condarc")
        .env("CONDA_CHANNELS", "mine")
        .env("CONDA_PLUGINS_AUTO_ACCEPT_TOS", "1")
        .env("PYTHONPATH", "/evil");
    assert!(command.output().unwrap().status.success());
    let variables = std::fs::read_to_string(restoring.scene.project().join("variables")).unwrap();
    for passing in ["CONDARC=", "CONDA_CHANNELS=", "CONDA_PREFIX="] {
        assert!(variables.contains(passing), "{passing}: {variables}");
    }
    for kept in ["PYTHONPATH", "CONDA_PLUGINS"] {
        assert!(!variables.contains(kept), "{variables}");
    }
}

#[test]
fn what_comes_is_asked_of_a_prefix_without_what_goes() {
    let restoring = Restoring::new();
    restoring.put("mkl", "1", "0").put("stays", "1", "0");
    let good = restoring.create();
    restoring.gone("mkl", "1", "0");
    restoring.put("holds", "1", "0");
    let seen = restoring.scene.project().join("seen");
    let script = format!(
        "[ $1 = install ] && {{ echo \"$3\"; cat \"$3\"/conda-meta/*.json; }} >'{}'\n{OBEDIENT}",
        seen.display()
    );
    restoring.conda(&script);
    let (code, said) = restoring.said(&[&good, "--prune", "--dry-run"]);
    assert_eq!(code, 0, "{said}");
    let seen = std::fs::read_to_string(seen).unwrap();
    let (folder, lists) = seen.split_once('\n').unwrap();
    assert!(
        !lists.contains("holds") && lists.contains("stays"),
        "{seen}"
    );
    assert!(!std::path::Path::new(folder).exists(), "{folder} is left");
    let mut command = restoring.command(&["env", "restore", "--only", "conda", &good, "--prune"]);
    let nowhere = restoring.scene.project().join("nowhere");
    let output = command
        .args(["--yes", "--json"])
        .env("TMPDIR", &nowhere)
        .output()
        .unwrap();
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"]["code"], "prefix_not_linked");
    assert_eq!(restoring.acted(), [""; 0]);
    // Nothing goes: it is asked of the prefix itself.
    let (code, said) = restoring.said(&[&good, "--dry-run"]);
    assert_eq!(code, 0, "{said}");
    let heard = std::fs::read_to_string(restoring.scene.project().join("heard")).unwrap();
    let prefix = restoring.prefix();
    let asked = format!("install --prefix {} ", prefix.display());
    assert!(heard.lines().last().unwrap().starts_with(&asked), "{heard}");
}

#[test]
fn plan_that_was_written_down_names_the_prefix() {
    let _alone = alone();
    let restoring = Restoring::new();
    restoring.put("mkl", "1", "0");
    let good = restoring.create();
    restoring.gone("mkl", "1", "0");
    let arguments = [
        "env",
        "restore",
        "--only",
        "conda",
        &good,
        "--dry-run",
        "--json",
    ];
    let plan = restoring.command(&arguments).output().unwrap().stdout;
    restoring.scene.file("plan.json", plan);
    let mut command = restoring.command(&["env", "restore", "--plan", "plan.json", "--yes"]);
    let output = command.env_remove("CONDA_PREFIX").output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("restored exactly: conda"), "{said}");
    assert!(restoring.meta().join("mkl-1-0.json").is_file());
}
