//! What the library of NVIDIA's driver said, as facts.
//!
//! Pure: answers come in, facts and words go out. The invariant: processors are told all or not at
//! all, since a list that lacks one would read as if somebody had taken it out, and in an order of
//! their own, so that the same machine gives the same facts however the library counts. Asking
//! belongs to `library`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::capture::found::Found;

/// The CUDA that the driver offers.
const CUDA: &str = "nvidia_cuda";
/// The processors with their memory.
const PROCESSORS: &str = "nvidia_processors";

/// What was said, or why it was not.
pub(super) type Answer<T> = Result<T, String>;

/// All that was said.
#[derive(Debug)]
pub(super) struct Answers {
    /// The CUDA that the driver offers, in the library's own number.
    pub(super) cuda: Answer<i32>,
    /// The processors, in the order of the library; no list where not even their number is known.
    pub(super) processors: Answer<Vec<Answer<Processor>>>,
}

/// A processor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Processor {
    pub(super) model: String,
    pub(super) memory: Memory,
}

/// The memory of a processor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Memory {
    /// It has so many bytes of its own.
    Own(u64),
    /// It is divided (MIG), into parts of so many bytes.
    Parts(Vec<u64>),
    /// It has none of its own, and uses that of the machine.
    Shared,
}

impl Answers {
    /// Returns what is known where nobody answered.
    pub(super) fn none(reason: &str) -> Self {
        Self {
            cuda: Err(reason.to_owned()),
            processors: Err(reason.to_owned()),
        }
    }

    /// Adds what was said to the facts, and what was not to the warnings.
    pub(super) fn tell(self, found: &mut Found) {
        let cuda = self.cuda.and_then(|number| {
            version(number).ok_or_else(|| format!("{number} is no version of CUDA"))
        });
        let processors = self.processors.and_then(whole);
        match (cuda, processors) {
            (Err(reason), Err(same)) if reason == same => found.lacks(format!(
                "the memory of processors of NVIDIA and the CUDA of their driver are not known: \
                 {reason}"
            )),
            (cuda, processors) => {
                match cuda {
                    Ok(version) => found.fact(CUDA, version),
                    Err(reason) => {
                        found.lacks(format!(
                            "the CUDA of NVIDIA's driver is not known: {reason}"
                        ));
                    }
                }
                match processors {
                    Ok(processors) => found.fact(PROCESSORS, processors),
                    Err(reason) => found.lacks(format!(
                        "the memory of processors of NVIDIA is not known: {reason}"
                    )),
                }
            }
        }
    }
}

/// Returns how people write a version of CUDA.
///
/// # Source
/// `nvmlSystemGetCudaDriverVersion` of NVML's reference: 1000 for each major version, 10 for each
/// minor one.
fn version(number: i32) -> Option<String> {
    let number = u32::try_from(number).ok().filter(|it| *it >= 1000)?;
    Some(format!("{}.{}", number / 1000, number % 1000 / 10))
}

/// Returns the processors as facts, if all of them answered. An empty list says that there are
/// none.
fn whole(answers: Vec<Answer<Processor>>) -> Answer<Vec<Value>> {
    let count = answers.len();
    let mut processors = Vec::new();
    let mut reasons = Vec::new();
    for answer in answers {
        match answer {
            Ok(processor) => processors.push(processor.in_order()),
            Err(reason) => reasons.push(reason),
        }
    }
    if !reasons.is_empty() {
        let silent = reasons.len();
        let different: BTreeSet<String> = reasons.into_iter().collect();
        let reasons = Vec::from_iter(different).join("; ");
        return Err(format!("{silent} of {count} did not answer: {reasons}"));
    }
    processors.sort();
    Ok(processors.iter().map(Processor::to_json).collect())
}

impl Processor {
    /// Returns it with its parts in the order of their sizes.
    fn in_order(mut self) -> Self {
        if let Memory::Parts(bytes) = &mut self.memory {
            bytes.sort_unstable();
        }
        self
    }

    fn to_json(&self) -> Value {
        let model = &self.model;
        match &self.memory {
            Memory::Own(bytes) => json!({ "model": model, "memory_bytes": bytes }),
            Memory::Parts(bytes) => json!({ "model": model, "parts_memory_bytes": bytes }),
            Memory::Shared => json!({ "model": model }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::State;

    const H100: &str = "NVIDIA H100 80GB HBM3";
    const A100: &str = "NVIDIA A100-SXM4-40GB";
    const LOST: &str = "device fell off the bus";

    /// What comes of answers where files told the version of the driver.
    fn told(cuda: Answer<i32>, processors: Answer<Vec<Answer<Processor>>>) -> Found {
        let mut found = Found::captured();
        found.fact("nvidia_driver", "550.54.15");
        Answers { cuda, processors }.tell(&mut found);
        found
    }

    fn processor(model: &str, memory: Memory) -> Processor {
        let model = model.to_owned();
        Processor { model, memory }
    }

    fn facts(found: &Found) -> Value {
        Value::Object(found.source.facts.clone())
    }

    #[test]
    fn mixed_processors_are_the_same_facts_in_whatever_order_the_library_counts() {
        let h100 = || Ok(processor(H100, Memory::Own(85_520_809_984)));
        let a100 = || Ok(processor(A100, Memory::Own(42_949_672_960)));
        let found = told(Ok(12_040), Ok(vec![h100(), a100(), h100()]));
        assert_eq!(found.source.state, State::Captured);
        assert_eq!(found.warnings, [] as [&str; 0]);
        assert_eq!(
            facts(&found),
            json!({
                "nvidia_cuda": "12.4",
                "nvidia_driver": "550.54.15",
                "nvidia_processors": [
                    { "model": A100, "memory_bytes": 42_949_672_960_u64 },
                    { "model": H100, "memory_bytes": 85_520_809_984_u64 },
                    { "model": H100, "memory_bytes": 85_520_809_984_u64 },
                ],
            })
        );
        let again = told(Ok(12_040), Ok(vec![a100(), h100(), h100()]));
        assert_eq!(facts(&found), facts(&again));
    }

    #[test]
    fn divided_processor_is_told_by_its_parts_and_one_without_memory_by_its_model() {
        let parts = Memory::Parts(vec![20_937_965_568, 5_100_273_664, 10_468_982_784]);
        let answers = vec![
            Ok(processor("NVIDIA GB10", Memory::Shared)),
            Ok(processor(A100, parts)),
            Ok(processor(A100, Memory::Parts(Vec::new()))),
        ];
        let found = told(Ok(13_000), Ok(answers));
        assert_eq!(found.source.state, State::Captured);
        assert_eq!(found.source.facts[CUDA], "13.0");
        assert_eq!(
            found.source.facts[PROCESSORS],
            json!([
                { "model": A100, "parts_memory_bytes": [] },
                {
                    "model": A100,
                    "parts_memory_bytes": [5_100_273_664_u64, 10_468_982_784_u64, 20_937_965_568_u64],
                },
                { "model": "NVIDIA GB10" },
            ])
        );
    }

    #[test]
    fn driver_without_processors_has_an_empty_list_and_not_an_unknown_one() {
        let found = told(Ok(12_040), Ok(Vec::new()));
        assert_eq!(found.source.state, State::Captured);
        assert_eq!(found.source.facts[PROCESSORS], json!([]));
    }

    #[test]
    fn one_processor_that_does_not_answer_leaves_the_memory_of_all_unknown() {
        let answers = vec![
            Err(LOST.to_owned()),
            Ok(processor(H100, Memory::Own(85_520_809_984))),
            Err(LOST.to_owned()),
            Err("the current user does not have permission".to_owned()),
        ];
        let found = told(Ok(12_040), Ok(answers));
        assert_eq!(found.source.state, State::Partial);
        assert_eq!(
            facts(&found),
            json!({ "nvidia_cuda": "12.4", "nvidia_driver": "550.54.15" })
        );
        assert_eq!(
            found.warnings,
            [format!(
                "the memory of processors of NVIDIA is not known: 3 of 4 did not answer: {LOST}; \
                 the current user does not have permission"
            )]
        );
    }

    #[test]
    fn library_that_refuses_leaves_the_facts_of_files_with_one_warning() {
        let mut found = Found::captured();
        found.fact("nvidia_driver", "550.54.15");
        Answers::none("libnvidia-ml.so.1: cannot open shared object file").tell(&mut found);
        assert_eq!(found.source.state, State::Partial);
        assert_eq!(facts(&found), json!({ "nvidia_driver": "550.54.15" }));
        assert_eq!(
            found.warnings,
            [
                "the memory of processors of NVIDIA and the CUDA of their driver are not known: \
                 libnvidia-ml.so.1: cannot open shared object file"
            ]
        );
    }

    #[test]
    fn number_that_is_no_version_of_cuda_is_not_told_as_one() {
        for number in [-1, 0, 999] {
            let found = told(Ok(number), Ok(Vec::new()));
            assert_eq!(found.source.state, State::Partial);
            assert_eq!(found.source.facts.get(CUDA), None);
            let warning = "the CUDA of NVIDIA's driver is not known: ";
            assert_eq!(
                found.warnings,
                [format!("{warning}{number} is no version of CUDA")]
            );
        }
        assert_eq!(version(11_080).as_deref(), Some("11.8"));
    }
}
