//! Environment variables that change results. Others are counted, never read.

use serde_json::Value;

use super::Options;
use super::found::Found;
use crate::root::Root;
use crate::url;

/// Names that are kept; those that end in `*` by their beginning.
const KEPT: [&str; 28] = [
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_MODULE_LOADING",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "JAX_*",
    "LANG",
    "LC_*",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "MKL_*",
    "NCCL_*",
    "NUMEXPR_*",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_*",
    "OPENBLAS_*",
    "PYTHONHASHSEED",
    "PYTHONNOUSERSITE",
    "PYTHONOPTIMIZE",
    "PYTHONPATH",
    "PYTORCH_*",
    "ROCR_VISIBLE_DEVICES",
    "TF_CUDNN_DETERMINISTIC",
    "TF_DETERMINISTIC_OPS",
    "TORCH_*",
    "TZ",
    "XLA_FLAGS",
];
/// What says which job this is: it is another one each time.
const OBSERVED: [&str; 9] = [
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_JOB_ID",
    "SLURM_JOB_PARTITION",
    "SLURM_PROCID",
    "SLURM_RESTART_COUNT",
    "RANK",
    "WORLD_SIZE",
    "TORCHELASTIC_RESTART_COUNT",
];
/// Longest value that is kept, in bytes. Chosen: a search path of 200 folders.
const VALUE_BYTES_MAX: usize = 16 * 1024;

pub(super) fn read(root: &Root, options: &Options) -> Found {
    if !root.is_host() {
        return Found::skipped("another root has no session");
    }
    let mut found = Found::captured();
    let mut others = 0;
    for (name, value) in &options.variables {
        if OBSERVED.contains(&name.as_str()) {
            found.observe(name, value.as_str());
        } else if !is_kept(name) {
            others += 1;
        } else if value.len() > VALUE_BYTES_MAX {
            found.lacks(format!("`{name}` is longer than {VALUE_BYTES_MAX} bytes"));
        } else {
            found.fact(name, url::stripped_within(value));
        }
    }
    found.observe("others", Value::from(others));
    found
}

fn is_kept(name: &str) -> bool {
    KEPT.iter().any(|kept| match kept.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *kept,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_variables_are_kept_and_jobs_are_not_facts() {
        let variables = [
            ("OMP_NUM_THREADS", "4"),
            ("OMP", "no"),
            ("AWS_SECRET_ACCESS_KEY", "no"),
            ("SLURM_JOB_ID", "17"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = Options {
            variables: variables.into(),
            ..Options::default()
        };
        let found = read(&Root::host().unwrap(), &options);
        let facts = Value::Object(found.source.facts);
        assert_eq!(facts, serde_json::json!({ "OMP_NUM_THREADS": "4" }));
        let observed = Value::Object(found.observed);
        assert_eq!(
            observed,
            serde_json::json!({ "SLURM_JOB_ID": "17", "others": 2 })
        );
    }
}
