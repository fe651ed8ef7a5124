//! Where and beside whom it was measured: what the disk is, and how busy the machine.

use std::path::Path;

use rustix::fs::{Dev, major, minor, stat};

use crate::Failure;

/// Describes the file system of `folder`, the kernel and the load, in two lines.
///
/// # Errors
/// If the folder cannot be looked at.
pub(crate) fn of(folder: &Path) -> Result<String, Failure> {
    let device = stat(folder)?.st_dev;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    let (kind, source) = mount_of(&mounts, device).unwrap_or(("a file system unknown", "unknown"));
    let journal = match kind {
        "ext4" => journal(device),
        _ => String::new(),
    };
    let system = rustix::system::uname();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    Ok(format!(
        "{kind} on {source}{journal}; {} {}, {cores} cores\n{}",
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy(),
        load(),
    ))
}

/// Tells how busy the machine is.
pub(crate) fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = load.split(' ').take(3).collect();
    if averages.is_empty() {
        return "load unknown".to_owned();
    }
    format!("load {} over 1, 5 and 15 minutes", averages.join(", "))
}

/// Returns kind and source of the mount with this device.
///
/// # Source
/// `proc_pid_mountinfo(5)`: field 3 is `major:minor`; after ` - ` come kind and source.
fn mount_of(mounts: &str, device: Dev) -> Option<(&str, &str)> {
    let number = format!("{}:{}", major(device), minor(device));
    let mut lines = mounts.lines().filter_map(|line| line.split_once(" - "));
    let (_, rest) = lines.find(|(fields, _)| fields.split(' ').nth(2) == Some(&number))?;
    let mut fields = rest.split(' ');
    Some((fields.next()?, fields.next()?))
}

/// Tells whether an ext4 has a journal: the kernel names the thread that writes it.
fn journal(device: Dev) -> String {
    let link = format!("/sys/dev/block/{}:{}", major(device), minor(device));
    let task = std::fs::canonicalize(link).ok().and_then(|block| {
        let name = block.file_name()?.to_owned();
        let task = Path::new("/sys/fs/ext4").join(name).join("journal_task");
        std::fs::read_to_string(task).ok()
    });
    match task.as_deref().map(str::trim_end) {
        None => ", journal unknown".to_owned(),
        Some("<none>") => ", without a journal".to_owned(),
        Some(_) => ", with a journal".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::makedev;

    #[test]
    fn a_mount_is_found_by_its_device() {
        let mounts = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      31 22 0:26 / /tmp rw - tmpfs tmpfs rw\n";
        let found = |device| super::mount_of(mounts, device);
        assert_eq!(found(makedev(254, 0)), Some(("ext4", "/dev/vda")));
        assert_eq!(found(makedev(0, 26)), Some(("tmpfs", "tmpfs")));
        assert_eq!(found(makedev(8, 1)), None);
    }
}
