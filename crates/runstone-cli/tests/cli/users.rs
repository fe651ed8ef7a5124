//! Several users of one store. Only root can become others, so elsewhere this shows nothing and
//! says so.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::scene::{Scene, run_document};

/// The group of the team, and an id that is in no group.
const TEAM: u32 = 43_000;
const ANA: u32 = 43_001;
const BEN: u32 = 43_002;
const OUTSIDER: u32 = 43_003;

/// A folder of the team, and the program where everybody can run it.
struct Team {
    scene: Scene,
    program: PathBuf,
}

impl Team {
    /// Nothing where nobody can become another user.
    #[expect(
        clippy::print_stderr,
        reason = "a test that shows nothing has to say so"
    )]
    fn meet() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can act as several users");
            return None;
        }
        let scene = Scene::empty();
        let above = scene.project().parent().unwrap().to_owned();
        let open = |path: &PathBuf, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        open(&above, 0o755);
        chown(scene.project(), Some(ANA), Some(TEAM)).unwrap();
        open(&scene.project(), 0o2775);
        let program = above.join("runstone");
        // Copied by another process: one that a test beside this starts meanwhile would inherit the
        // open copy, and a program open for writing cannot be run.
        let copied = Command::new("cp")
            .args([env!("CARGO_BIN_EXE_runstone").as_ref(), program.as_os_str()])
            .status()
            .unwrap();
        assert!(copied.success());
        open(&program, 0o755);
        Some(Self { scene, program })
    }

    fn run(&self, user: u32, arguments: &[&str]) -> Output {
        let group = if user == OUTSIDER { OUTSIDER } else { TEAM };
        Command::new(&self.program)
            .args(arguments)
            .current_dir(self.scene.project())
            .env_clear()
            .uid(user)
            .gid(group)
            .output()
            .unwrap()
    }

    fn does(&self, user: u32, arguments: &[&str]) -> String {
        let output = self.run(user, arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{user} {arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn a_shared_store_is_written_by_its_group_and_by_nobody_else() {
    let Some(team) = Team::meet() else { return };
    team.does(ANA, &["init", "st", "--shared"]);
    let record = |user, run_id: &str| {
        let name = format!("{run_id}.json");
        team.scene.file(&name, run_document(run_id, 0.5));
        team.run(user, &["record", &name, "--store", "st", "--quiet"])
    };
    for (user, run_id) in [(ANA, "a1"), (BEN, "b1"), (ANA, "a2"), (BEN, "b2")] {
        let output = record(user, run_id);
        assert!(output.status.success(), "{output:?}");
    }
    // The same content again is the same snapshot, whoever says it.
    assert!(record(BEN, "a1").status.success());
    team.does(BEN, &["profile", "use", "market", "--store", "st"]);
    team.does(ANA, &["profile", "use", "generic", "--store", "st"]);
    team.does(BEN, &["init", "st"]);
    team.does(BEN, &["init", "st", "--adopt"]);
    assert!(record(ANA, "a3").status.success());
    team.does(ANA, &["verify", "--store", "st"]);
    let log = team.does(
        BEN,
        &[
            "log",
            "--store",
            "st",
            "--columns",
            "run_id",
            "--format",
            "csv",
        ],
    );
    assert_eq!(log.lines().count(), 6, "{log}");
    for arguments in [&["log", "--store", "st"][..], &["init", "st"]] {
        let output = team.run(OUTSIDER, arguments);
        assert!(!output.status.success(), "{arguments:?}");
        // Whether a store is there cannot be told, so that this is no answer to that.
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("`st`") && told.contains("hint:"), "{told}");
        assert!(told.contains("Permission denied"), "{told}");
    }
}

#[test]
fn everybody_reads_a_store_that_is_shared_with_the_world() {
    let Some(team) = Team::meet() else { return };
    team.does(ANA, &["init", "st", "--shared=world"]);
    team.scene.file("r.json", run_document("r1", 0.5));
    team.does(BEN, &["record", "r.json", "--store", "st"]);
    for arguments in [
        &["log", "--store", "st"][..],
        &["show", "--store", "st"],
        &["verify", "--store", "st"],
        &["export", "--csv", "--store", "st"],
    ] {
        team.does(OUTSIDER, arguments);
    }
    team.scene.file("r.json", run_document("r2", 0.5));
    let output = team.run(OUTSIDER, &["record", "r.json", "--store", "st"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("nothing was recorded"), "{told}");
}

#[test]
fn a_store_found_upward_is_only_ones_own() {
    let Some(team) = Team::meet() else { return };
    team.does(ANA, &["init", ".runstone", "--shared"]);
    team.does(ANA, &["log"]);
    let output = team.run(BEN, &["log"]);
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    team.does(BEN, &["log", "--store", ".runstone"]);
}

#[test]
fn a_home_nobody_may_look_into_holds_no_settings() {
    let Some(team) = Team::meet() else { return };
    let home = team.scene.project().parent().unwrap().join("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    let output = Command::new(&team.program)
        .args(["init", "st"])
        .current_dir(team.scene.project())
        .env_clear()
        .env("HOME", &home)
        .uid(ANA)
        .gid(TEAM)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_link_to_a_trusted_store_does_not_vouch_for_the_settings_beside_it() {
    let Some(team) = Team::meet() else { return };
    let above = team.scene.project().parent().unwrap().to_owned();
    team.does(ANA, &["init", ".runstone", "--shared"]);
    let settings = above.join("ben/runstone");
    std::fs::create_dir_all(&settings).unwrap();
    let safe = format!(
        "safe_stores = [\"{}/.runstone\"]\n",
        team.scene.project().display()
    );
    team.scene.file("../ben/runstone/config.toml", safe);
    for path in [
        above.join("ben"),
        settings.clone(),
        settings.join("config.toml"),
    ] {
        chown(path, Some(BEN), Some(TEAM)).unwrap();
    }
    let trap = above.join("trap");
    std::fs::create_dir(&trap).unwrap();
    std::fs::set_permissions(&trap, std::fs::Permissions::from_mode(0o777)).unwrap();
    std::os::unix::fs::symlink(
        team.scene.project().join(".runstone"),
        trap.join(".runstone"),
    )
    .unwrap();
    let place = |folder: &std::path::Path| {
        let file = folder.join("runstone.toml");
        let name = file.to_str().unwrap();
        team.scene.file(name, "experiment = \"theirs\"\n");
        chown(&file, Some(OUTSIDER), Some(OUTSIDER)).unwrap();
    };
    place(&trap);
    place(&team.scene.project());
    let show = |folder: &std::path::Path| {
        Command::new(&team.program)
            .args(["config", "show"])
            .current_dir(folder)
            .env_clear()
            .env("XDG_CONFIG_HOME", above.join("ben"))
            .uid(BEN)
            .gid(TEAM)
            .output()
            .unwrap()
    };
    let output = show(&trap);
    assert!(!output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("runstone.toml") && told.contains("hint:"),
        "{told}"
    );
    // Beside the store itself it counts, as the list says.
    let output = show(&team.scene.project());
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("theirs"));
}
