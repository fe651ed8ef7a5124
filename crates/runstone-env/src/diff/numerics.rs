//! Which differences move numbers: they come first, since a metric that moved may be their doing.

use crate::names::SourceName;

/// Packages of Python and conda, those that end in `*` by their beginning.
const DISTRIBUTIONS: [&str; 34] = [
    "blas",
    "cuda*",
    "cudatoolkit",
    "cudnn",
    "cupy*",
    "intel-openmp",
    "jax",
    "jax-cuda*",
    "jaxlib",
    "keras",
    "libblas",
    "libcblas",
    "libcublas*",
    "libcudnn*",
    "liblapack",
    "libopenblas*",
    "lightgbm",
    "llvm-openmp",
    "mkl*",
    "numba",
    "numexpr",
    "numpy",
    "nvidia-*",
    "openblas*",
    "pandas",
    "python",
    "pytorch*",
    "scikit-learn",
    "scipy",
    "tensorflow*",
    "torch",
    "torchvision",
    "triton",
    "xgboost",
];
/// Packages of distributions.
const SYSTEM: [&str; 21] = [
    "cuda*",
    "glibc",
    "libatlas*",
    "libblas*",
    "libc6",
    "libcublas*",
    "libcudnn*",
    "libgomp*",
    "liblapack*",
    "libmkl*",
    "libnccl*",
    "libnvidia*",
    "libopenblas*",
    "musl",
    "nvidia*",
    "openblas*",
    "python",
    "python3",
    "python3.*",
    "python3-numpy",
    "python3-scipy",
];

pub(super) fn is_numeric(source: SourceName, name: &str) -> bool {
    match source {
        SourceName::Cpu | SourceName::Gpu => true,
        SourceName::Os => matches!(name, "libc" | "libc_version"),
        SourceName::Python => {
            name == "version" || name.starts_with("torch_") || stands_in(&DISTRIBUTIONS, name)
        }
        SourceName::Conda => stands_in(&DISTRIBUTIONS, name),
        SourceName::Apk | SourceName::Dpkg | SourceName::Pacman | SourceName::Rpm => {
            stands_in(&SYSTEM, name)
        }
        SourceName::Apt
        | SourceName::Cargo
        | SourceName::Kernel
        | SourceName::Modules
        | SourceName::Npm
        | SourceName::Pnpm
        | SourceName::R
        | SourceName::Variables
        | SourceName::Yarn => false,
    }
}

fn stands_in(names: &[&str], name: &str) -> bool {
    names.iter().any(|it| match it.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *it,
    })
}
