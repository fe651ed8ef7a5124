//! Asking the library of NVIDIA's driver (NVML), which is loaded for it.
//!
//! The invariant: it is looked for only where the driver is loaded and can be reached, so that a
//! machine without one pays nothing, and nothing of it makes a device of its own accord. Which
//! library that is the system decides, as for any program that is linked. What is said becomes
//! facts in `answers`.
//!
//! # Source
//! NVML's reference, chapters "System Queries", "Device Queries" and "Multi Instance GPU
//! Management".

use std::sync::mpsc::Sender;
use std::time::Duration;

use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use super::answers::{Answer, Answers, Memory, Processor};
use super::waiting::{Said, within};
use crate::capture::found::Found;
use crate::root::Root;

/// The folder of the driver's module.
const MODULE: &str = "sys/module/nvidia";
/// By which the driver is talked to. Where it is missing the library starts a program
/// (`nvidia-modprobe`) that makes it, and a container without it was given no processor.
const CONTROL: &str = "dev/nvidiactl";
/// How long all answers may take: as long as a repository. Chosen: a driver that is awake takes
/// some milliseconds for each processor.
const TIME_MAX: Duration = Duration::from_millis(500);
/// What a divided processor says of itself (`NVML_DEVICE_MIG_ENABLE`).
const DIVIDED: u32 = 1;

/// Adds what the library says to what the files told.
pub(super) fn with_answers(root: &Root, mut found: Found) -> Found {
    if !root.has(MODULE) {
        return found;
    }
    let answers = if root.has(CONTROL) {
        within(TIME_MAX, ask)
    } else {
        Answers::none(&format!("/{CONTROL} cannot be opened here"))
    };
    answers.tell(&mut found);
    found
}

fn ask(say: &Sender<Said>) {
    let said = match Nvml::init() {
        // What takes longest comes last, and is not asked for where nobody waits any more.
        Ok(library) => say
            .send(Said::Cuda(
                library.sys_cuda_driver_version().map_err(reason),
            ))
            .and_then(|()| say.send(Said::Processors(processors(&library)))),
        Err(error) => {
            let reason = reason(error);
            say.send(Said::Cuda(Err(reason.clone())))
                .and_then(|()| say.send(Said::Processors(Err(reason))))
        }
    };
    // Nobody listens once the time is up, which whoever waited has said.
    drop(said);
}

fn processors(library: &Nvml) -> Answer<Vec<Answer<Processor>>> {
    let count = library.device_count().map_err(reason)?;
    let processors = (0..count).map(|index| processor(library, index).map_err(reason));
    Ok(processors.collect())
}

fn processor(library: &Nvml, index: u32) -> Result<Processor, NvmlError> {
    let device = library.device_by_index(index)?;
    Ok(Processor {
        model: device.name()?.trim().to_owned(),
        memory: memory(&device)?,
    })
}

fn memory(device: &Device<'_>) -> Result<Memory, NvmlError> {
    match device.mig_mode() {
        // How much the whole has is told to root alone: what everybody is told is the same facts.
        Ok(mode) if mode.current == DIVIDED => return parts(device).map(Memory::Parts),
        Ok(_) | Err(NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_)) => {}
        Err(error) => return Err(error),
    }
    match device.memory_info() {
        Ok(memory) => Ok(Memory::Own(memory.total)),
        Err(NvmlError::NotSupported) => Ok(Memory::Shared),
        Err(error) => Err(error),
    }
}

fn parts(device: &Device<'_>) -> Result<Vec<u64>, NvmlError> {
    let mut bytes = Vec::new();
    for place in 0..device.mig_device_count()? {
        match device.mig_device_by_index(place) {
            Ok(part) => bytes.push(part.memory_info()?.total),
            // A place without a part, in the words of later and earlier drivers.
            Err(NvmlError::NotFound | NvmlError::InvalidArg) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Returns why there is no answer, in one line.
fn reason(error: NvmlError) -> String {
    match error {
        // It says that something could not be loaded, and what.
        NvmlError::LibloadingError(error) => error.to_string(),
        error => error.to_string(),
    }
}
