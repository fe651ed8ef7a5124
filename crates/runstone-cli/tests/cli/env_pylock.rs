//! `runstone env export --format pylock`: what a package manager is asked, and what becomes of its
//! answer. uv and pip are scripts here, which say what a test tells them; for real it is tried by
//! `just managers`.

use std::os::unix::fs::PermissionsExt as _;

use crate::env::OnMachine;

/// A uv that has a wheel of everything it is asked for.
const KNOWING: &str = r#"
printf 'lock-version = "1.0"\ncreated-by = "uv"\n'
while IFS= read -r line; do
  printf '\n[[packages]]\nname = "%s"\nversion = "%s"\n' "${line%%==*}" "${line#*==}"
done
"#;

/// One whose index lost what is called so.
const LOSING: &str = r#"
asked=$(cat)
case $asked in
*numpy==*)
  echo "  × No solution found when resolving dependencies:" >&2
  echo "  ╰─▶ Because there is no version of numpy==1.26.4 and you require numpy==1.26.4, we can" >&2
  exit 1 ;;
esac
printf 'lock-version = "1.0"\n[[packages]]\nname = "attrs"\nversion = "23.1.0"\n'
"#;

/// A machine whose session finds the programs of a test, and no others.
struct Locking {
    on: OnMachine,
}

impl Locking {
    fn new() -> Self {
        let locking = Self {
            on: OnMachine::new(),
        };
        std::fs::create_dir(locking.on.scene.project().join("tools")).unwrap();
        locking
    }

    /// Makes a program that says `version` of itself, writes its words down and does what `script`
    /// says.
    fn program(&self, name: &str, version: &str, script: &str) -> &Self {
        let scene = &self.on.scene;
        let path = format!("tools/{name}");
        let heard = scene.project().join("heard");
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo '{version}'; exit 0; }}\n\
             PATH=/usr/bin:/bin\necho \"{name} $*\" >>'{}'\n{script}",
            heard.display()
        );
        scene.file(&path, text);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(scene.project().join(path), mode).unwrap();
        self
    }

    fn export(&mut self, reference: &str, options: &[&str]) -> &mut Self {
        let root = self.on.machine.path().to_str().unwrap().to_owned();
        let tools = self.on.scene.project().join("tools");
        let variables = [
            ("RUNSTONE_ENVIRONMENT_ROOT", root.as_str()),
            ("PATH", tools.to_str().unwrap()),
        ];
        let arguments = [
            &["env", "export", reference, "--format", "pylock"][..],
            // The programs of a test stand in no folder of the machine.
            &["--python", "/usr/bin/python3.11"],
            options,
        ];
        self.on.scene.run_with(&arguments.concat(), &variables, b"");
        self
    }

    fn heard(&self) -> String {
        let heard = std::fs::read_to_string(self.on.scene.project().join("heard"));
        heard.unwrap_or_default()
    }

    fn transcript(&self) -> String {
        self.on.transcript()
    }
}

#[test]
fn lock_is_what_uv_answers_and_what_it_cannot_vouch_for_is_named() {
    let mut locking = Locking::new();
    locking.program("uv", "uv 0.13.0 (x86_64-unknown-linux-gnu)", KNOWING);
    locking.on.run(&["env", "create"]);
    locking.export("@latest", &[]);
    let machine = &locking.on.machine;
    machine.python("mine", "1.0").file(
        "usr/lib/python3/dist-packages/mine-1.0.dist-info/direct_url.json",
        r#"{"url": "file:///srv/mine", "dir_info": {"editable": true}}"#,
    );
    locking
        .export("current", &["-o", "pylock.toml"])
        .export("current", &["-o", "pylock.toml"]);
    insta::assert_snapshot!(locking.transcript());
    assert_eq!(
        locking.heard().lines().next(),
        Some(
            "uv pip compile --no-deps --format pylock.toml --only-binary :all: --no-header \
             --no-annotate --no-python-downloads --quiet --color never --python-version 3.11 -"
        )
    );
}

#[test]
fn version_that_no_index_has_is_left_out_and_the_others_are_locked() {
    let mut locking = Locking::new();
    locking.program("uv", "uv 0.13.0", LOSING);
    locking.export("current", &[]);
    insta::assert_snapshot!(locking.transcript());
}

#[test]
fn pip_locks_where_no_uv_works_and_only_for_its_own_python() {
    let mut locking = Locking::new();
    let answer = r#"
printf 'lock-version = "1.0"\n'
printf '[[packages]]\nname = "%s"\nversion = "%s"\n' attrs 23.1.0 numpy 1.26.4
"#;
    let pip = |release: &str, python: &str| format!("pip {release} from /x/pip (python {python})");
    locking.export("current", &[]);
    for said in [
        pip("23.2.1", "3.11"),
        pip("25.1", "3.12"),
        pip("25.1", "3.11"),
    ] {
        locking.program("pip", &said, answer);
        locking.export("current", &[]);
    }
    insta::assert_snapshot!(locking.transcript());
    assert_eq!(
        locking.heard(),
        "pip lock --no-deps --only-binary :all: --no-input --disable-pip-version-check --quiet \
         --output - -- attrs==23.1.0 numpy==1.26.4\n"
    );
}

#[test]
fn answer_to_something_else_is_no_lock() {
    let mut locking = Locking::new();
    let evil =
        format!("{KNOWING}\nprintf '\\n[[packages]]\\nname = \"evil\"\\nversion = \"1\"\\n'");
    for script in [
        "cat >/dev/null; echo 'error: the index cannot be reached' >&2; exit 2",
        "cat >/dev/null; echo '# nothing'",
        "exit 0",
        &evil,
    ] {
        locking.program("uv", "uv 0.13.0", script);
        locking.export("current", &["-o", "pylock.toml"]);
    }
    insta::assert_snapshot!(locking.transcript());
    assert!(!locking.on.scene.project().join("pylock.toml").exists());
}
