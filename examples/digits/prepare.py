"""Stage 1: load the digits, split them once, and keep the split for the other stages."""

import argparse
import json
import os
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

options = argparse.ArgumentParser()
options.add_argument("--test-share", type=float, default=0.25)
options.add_argument("--split-seed", type=int, default=11)
args = options.parse_args()

images, labels = load_digits(return_X_y=True)
parts = train_test_split(
    images / 16.0,
    labels,
    test_size=args.test_share,
    random_state=args.split_seed,
    stratify=labels,
)

work = Path("work")
work.mkdir(exist_ok=True)
for name, part in zip(["x_train", "x_test", "y_train", "y_test"], parts):
    np.save(work / f"{name}.npy", part)

here = Path(os.environ["RUNSTONE_RUN_DIR"])
(here / "identity.json").write_text(json.dumps({"split": vars(args)}))
(here / "metrics.json").write_text(json.dumps({"rows_train": len(parts[0]), "rows_test": len(parts[1])}))
