//! What can be seen of a run from a host.
//!
//! The invariant: a run is called lost only where its own host shows that its process is gone.

use runstone_core::redact::is_mark;

use super::notice::{ProcessId, Started};

/// What can be seen from this host.
pub trait Host {
    /// Returns this process.
    fn this_process(&self) -> ProcessId;
    /// Returns when the process of this number began, or `None` if there is none.
    fn began(&self, pid: u32) -> Option<Option<u64>>;
}

/// What a host sees of a run under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Its process is there.
    AtWork,
    /// Nothing: it is of another host, or cannot be told from another.
    Unknown,
    /// Its process is gone.
    Gone,
}

/// What is known of a run that is not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing speaks against its being under way.
    Unfinished,
    /// The process that watched it is gone.
    Lost,
}

impl State {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Lost => "lost",
        }
    }
}

impl Started {
    /// Returns what this host knows of the run.
    pub fn state(&self, host: &dyn Host) -> State {
        match self.sight(host) {
            Sight::AtWork | Sight::Unknown => State::Unfinished,
            Sight::Gone => State::Lost,
        }
    }

    /// Returns what this host sees of the run.
    pub fn sight(&self, host: &dyn Host) -> Sight {
        let (here, there) = (host.this_process(), &self.process);
        let same = |here: &Option<String>, there: &Option<String>| match (here, there) {
            (Some(here), Some(there)) => Some(here == there),
            _ => None,
        };
        let is_this_boot = same(&here.boot_id, &there.boot_id);
        // Where the name of a host is redacted, its boot still names it.
        let is_here =
            here.host == there.host || (is_mark(&there.host) && is_this_boot == Some(true));
        if !is_here {
            return Sight::Unknown;
        }
        if is_this_boot == Some(false) {
            return Sight::Gone;
        }
        // A process of another space (a container) cannot be seen from here.
        if same(&here.pid_space, &there.pid_space) == Some(false) {
            return Sight::Unknown;
        }
        match (host.began(there.pid), there.began) {
            (None, _) => Sight::Gone,
            (Some(Some(now)), Some(then)) if now == then => Sight::AtWork,
            (Some(Some(_)), Some(_)) => Sight::Gone,
            (Some(_), _) => Sight::Unknown,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::notice::tests::started;
    use super::*;

    /// A host on which process 7 began at 100.
    pub(in crate::under_way) struct Fake(pub(in crate::under_way) ProcessId);

    impl Fake {
        pub(in crate::under_way) fn new(host: &str, boot_id: Option<&str>) -> Self {
            Self(ProcessId {
                host: host.to_owned(),
                boot_id: boot_id.map(str::to_owned),
                pid_space: Some("1".to_owned()),
                pid: 7,
                began: Some(100),
            })
        }
    }

    impl Host for Fake {
        fn this_process(&self) -> ProcessId {
            self.0.clone()
        }

        fn began(&self, pid: u32) -> Option<Option<u64>> {
            (pid == 7).then_some(Some(100))
        }
    }

    #[test]
    fn a_run_is_lost_only_where_its_own_host_shows_its_process_gone() {
        let here = Fake::new("a", Some("boot 1"));
        let with = |change: fn(&mut ProcessId)| {
            let mut process = here.0.clone();
            change(&mut process);
            started(process).sight(&here)
        };
        assert_eq!(with(|_| {}), Sight::AtWork);
        assert_eq!(with(|it| it.host = "b".to_owned()), Sight::Unknown);
        assert_eq!(with(|it| it.pid = 8), Sight::Gone);
        // The number is another process's now.
        assert_eq!(with(|it| it.began = Some(99)), Sight::Gone);
        assert_eq!(with(|it| it.began = None), Sight::Unknown);
        // The host was started again, and the number may be anybody's.
        assert_eq!(
            with(|it| it.boot_id = Some("boot 0".to_owned())),
            Sight::Gone
        );
        assert_eq!(with(|it| it.boot_id = None), Sight::AtWork);
        // A container of the same name sees other processes.
        let elsewhere = |it: &mut ProcessId| {
            it.pid_space = Some("2".to_owned());
            it.pid = 8;
        };
        assert_eq!(with(elsewhere), Sight::Unknown);
        assert_eq!(started(here.0.clone()).state(&here), State::Unfinished);
    }

    #[test]
    fn a_host_whose_name_was_redacted_is_known_by_its_boot() {
        let here = Fake::new("a", Some("boot 1"));
        let with = |boot_id: Option<&str>, pid| {
            let process = ProcessId {
                host: "[redacted]".to_owned(),
                boot_id: boot_id.map(str::to_owned),
                pid,
                ..here.0.clone()
            };
            started(process).sight(&here)
        };
        assert_eq!(with(Some("boot 1"), 7), Sight::AtWork);
        assert_eq!(with(Some("boot 1"), 8), Sight::Gone);
        // It may be this host before it was started again, or any other.
        assert_eq!(with(Some("boot 0"), 7), Sight::Unknown);
        assert_eq!(with(None, 7), Sight::Unknown);
    }
}
