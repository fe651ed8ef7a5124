"""Stage 3: hold the model against the digits it has never seen."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

x, y = np.load("work/x_test.npy"), np.load("work/y_test.npy")
with open("work/model.pkl", "rb") as file:
    trained = pickle.load(file)
chance = trained["model"].predict_proba(x)
guess = chance.argmax(axis=1)

here = Path(os.environ["RUNSTONE_RUN_DIR"])
(here / "factors.json").write_text(json.dumps(trained["factors"]))
(here / "metrics.json").write_text(
    json.dumps(
        {
            "accuracy": accuracy_score(y, guess),
            "f1_macro": f1_score(y, guess, average="macro"),
            "logloss": log_loss(y, chance),
        }
    )
)

# Whatever lies in artifacts/ is hashed; --attach would keep the bytes as well.
artifacts = here / "artifacts"
artifacts.mkdir(exist_ok=True)
np.savetxt(artifacts / "confusion.csv", confusion_matrix(y, guess), fmt="%d", delimiter=",")
