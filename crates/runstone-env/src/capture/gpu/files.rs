//! Graphics processors and their drivers, as the kernel's modules tell.
//!
//! Nothing is loaded and nobody is asked. The invariant: processors are told by model, in an order
//! of their own, and never by their place. How much memory they have, and which CUDA the driver
//! offers, its library alone would say.
//!
//! # Source
//! `/proc/driver/nvidia` of the driver's README, chapter "Using the /proc File System Interface".

use serde_json::Value;

use crate::capture::found::{Found, explained};
use crate::root::Root;

/// The modules of the two vendors, and their folders.
const DRIVERS: [(&str, &str); 2] = [
    ("nvidia", "sys/module/nvidia"),
    ("amdgpu", "sys/module/amdgpu"),
];
/// Where the driver of NVIDIA has a folder for each processor.
const PROCESSORS: &str = "proc/driver/nvidia/gpus";
/// The file in it.
const INFORMATION: &str = "information";
/// What stands there of a processor that nobody used yet.
const UNKNOWN: &str = "Unknown";

pub(super) fn told(root: &Root) -> Found {
    let mut found = Found::captured();
    for (driver, module) in DRIVERS {
        if let Some(version) = found.text(root, format!("{module}/version")) {
            found.fact(&format!("{driver}_driver"), version.trim());
        } else if root.has(module) {
            found.lacks(format!("{driver} is loaded and does not say its version"));
        }
    }
    if let Some(text) = found.text(root, "proc/driver/nvidia/version") {
        found.fact(
            "nvidia_module",
            text.lines().next().unwrap_or_default().trim(),
        );
    }
    processors(root, &mut found);
    if found.source.facts.is_empty() && found.warnings.is_empty() {
        return Found::absent();
    }
    found
}

/// Adds the model of each processor of NVIDIA. Their folders are named by where they are plugged
/// in, so they are told in another order: the same processors are the same fact on every machine.
fn processors(root: &Root, found: &mut Found) {
    let mut models: Vec<String> = Vec::new();
    // Folders of a system that is no disk change their times by being looked at: not watched.
    let listing = root.list(PROCESSORS).unwrap_or_else(|error| {
        found.lacks(explained(&error));
        None
    });
    for entry in listing.map(|it| it.entries).unwrap_or_default() {
        let path = format!("{PROCESSORS}/{}/{INFORMATION}", entry.name);
        let Some(text) = found.text(root, &path) else {
            continue;
        };
        match model(&text) {
            Some(model) => models.push(model.to_owned()),
            None => found.lacks(format!("{path} does not say the model")),
        }
    }
    models.sort();
    found.list(
        "nvidia_models",
        models.into_iter().map(Value::from).collect(),
    );
}

/// Reads `Model: NVIDIA H100 80GB HBM3`.
fn model(information: &str) -> Option<&str> {
    let mut lines = information.lines().filter_map(|line| line.split_once(':'));
    let (_, model) = lines.find(|(name, _)| name.trim() == "Model")?;
    Some(model.trim()).filter(|it| !it.is_empty() && *it != UNKNOWN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;
    use crate::names::State;

    /// A machine with these files.
    #[expect(clippy::disallowed_methods, reason = "a fixture needs no flush")]
    fn machine(files: &[(&str, &str)]) -> TempDir {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn told_of(files: &[(&str, &str)]) -> Found {
        let folder = machine(files);
        told(&Root::at(folder.path()).unwrap())
    }

    fn information(model: &str, bus: &str) -> String {
        format!(
            "Model: \t\t {model}\nIRQ:   \t\t 178\nGPU UUID: \t GPU-5a1b3c2d-0000-1111-2222-333344445555\n\
             Video BIOS: \t 96.00.89.00.01\nBus Type: \t PCIe\nBus Location: \t {bus}\n\
             Device Minor: \t 0\nGPU Excluded:\t No\n"
        )
    }

    #[test]
    fn processors_are_told_by_model_in_an_order_of_their_own() {
        let (first, second) = (
            information("NVIDIA H100 80GB HBM3", "0000:04:00.0"),
            information("NVIDIA A100-SXM4-40GB", "0000:05:00.0"),
        );
        let found = told_of(&[
            ("sys/module/nvidia/version", "550.54.15\n"),
            (
                "proc/driver/nvidia/version",
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15\nGCC version: 12\n",
            ),
            ("proc/driver/nvidia/gpus/0000:04:00.0/information", &first),
            ("proc/driver/nvidia/gpus/0000:05:00.0/information", &second),
        ]);
        assert_eq!(found.source.state, State::Captured);
        assert_eq!(
            Value::Object(found.source.facts),
            json!({
                "nvidia_driver": "550.54.15",
                "nvidia_models": ["NVIDIA A100-SXM4-40GB", "NVIDIA H100 80GB HBM3"],
                "nvidia_module": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15",
            })
        );
    }

    #[test]
    fn processor_that_does_not_say_its_model_is_not_passed_over() {
        let unused = information("Unknown", "0000:04:00.0");
        let found = told_of(&[
            ("sys/module/nvidia/version", "550.54.15\n"),
            ("proc/driver/nvidia/gpus/0000:04:00.0/information", &unused),
        ]);
        assert_eq!(found.source.state, State::Partial);
        assert_eq!(found.source.facts.get("nvidia_models"), None);
    }

    #[test]
    fn machine_without_a_driver_is_absent_and_one_that_says_nothing_is_not() {
        assert_eq!(told_of(&[]).source.state, State::Absent);
        let silent = told_of(&[("sys/module/amdgpu/parameters/x", "")]);
        assert_eq!(silent.source.state, State::Partial);
    }
}
