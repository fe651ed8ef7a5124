#!/bin/sh
# The pipeline four times: as it is, twice with other settings, and once with one that cannot work.
# Prints what a reader of the README would see. Needs `runstone` on the path, and venv/.
set -eu
cd "$(dirname "$0")"

show() {
  echo "\$ $*"
  "$@" 2>&1 || echo "(exit code $?)"
  echo
}

show runstone init --experiment digits --primary accuracy:higher
show ./pipeline.sh first
show ./pipeline.sh wider --hidden 64
show ./pipeline.sh faster --learning-rate 0.3
show ./pipeline.sh broken --hidden 0
show runstone log --stage train --columns run_id,status,metrics.accuracy,metrics.logloss
show runstone diff first:train faster:train
show runstone explain first:evaluate wider:evaluate
show runstone verify
