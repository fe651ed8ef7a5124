//! What can be seen of a run from a host.
//!
//! The invariant: a run is called lost only where its own host shows that its process is gone.

use super::notice::{ProcessId, Started};

/// What can be seen from this host.
pub trait Host {
    /// Returns this process.
    fn this_process(&self) -> ProcessId;
    /// Returns when the process of this number began, or `None` if there is none.
    fn began(&self, pid: u32) -> Option<Option<u64>>;
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
        let (here, there) = (host.this_process(), &self.process);
        let differ = |here: &Option<String>, there: &Option<String>| matches!((here, there), (Some(here), Some(there)) if here != there);
        if here.host != there.host {
            return State::Unfinished;
        }
        if differ(&here.boot_id, &there.boot_id) {
            return State::Lost;
        }
        // A process of another space (a container) cannot be seen from here.
        if differ(&here.pid_space, &there.pid_space) {
            return State::Unfinished;
        }
        match (host.began(there.pid), there.began) {
            (None, _) => State::Lost,
            (Some(Some(now)), Some(then)) if now != then => State::Lost,
            (Some(_), _) => State::Unfinished,
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
            started(process).state(&here)
        };
        assert_eq!(with(|_| {}), State::Unfinished);
        assert_eq!(with(|it| it.host = "b".to_owned()), State::Unfinished);
        assert_eq!(with(|it| it.pid = 8), State::Lost);
        // The number is another process's now.
        assert_eq!(with(|it| it.began = Some(99)), State::Lost);
        assert_eq!(with(|it| it.began = None), State::Unfinished);
        // The host was started again, and the number may be anybody's.
        assert_eq!(
            with(|it| it.boot_id = Some("boot 0".to_owned())),
            State::Lost
        );
        assert_eq!(with(|it| it.boot_id = None), State::Unfinished);
        // A container of the same name sees other processes.
        let elsewhere = |it: &mut ProcessId| {
            it.pid_space = Some("2".to_owned());
            it.pid = 8;
        };
        assert_eq!(with(elsewhere), State::Unfinished);
    }
}
