"""Stage 2: train a small neural network on the prepared digits."""

import argparse
import json
import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier

options = argparse.ArgumentParser()
options.add_argument("--hidden", type=int, default=32)
options.add_argument("--learning-rate", type=float, default=0.1)
options.add_argument("--epochs", type=int, default=40)
options.add_argument("--seed", type=int, default=7)
args = options.parse_args()

# What was asked for is written down first, so that a run that fails has its settings too.
here = Path(os.environ["RUNSTONE_RUN_DIR"])
factors = {**vars(args), "sklearn_version": sklearn.__version__}
(here / "factors.json").write_text(json.dumps(factors))

# The number of epochs is a setting of ours, so stopping there is no surprise.
warnings.simplefilter("ignore", ConvergenceWarning)

x, y = np.load("work/x_train.npy"), np.load("work/y_train.npy")
model = MLPClassifier(
    hidden_layer_sizes=(args.hidden,),
    solver="sgd",
    learning_rate_init=args.learning_rate,
    max_iter=args.epochs,
    tol=0.0,
    random_state=args.seed,
)
folds = StratifiedKFold(5, shuffle=True, random_state=11)
chance = cross_val_predict(model, x, y, cv=folds, method="predict_proba")
metrics = {
    "accuracy": float(np.mean(chance.argmax(axis=1) == y)),
    "logloss": float(log_loss(y, chance)),
}

model.fit(x, y)
with open("work/model.pkl", "wb") as file:
    pickle.dump({"model": model, "factors": factors}, file)

# The one line that a training script of your own needs.
(here / "metrics.json").write_text(json.dumps(metrics))
