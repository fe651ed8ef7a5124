#!/bin/sh
# One run, three stages: ./pipeline.sh RUN [options of train.py]
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-venv/bin/python}
export RUNSTONE_RUN_ID="$1"
shift

runstone run --stage prepare -- "$python" prepare.py
runstone run --stage train --data train=work/x_train.npy -- "$python" train.py "$@"
runstone run --stage evaluate --data test=work/x_test.npy -- "$python" evaluate.py
