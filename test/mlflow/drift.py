"""Log the inputs of two periods with the helper of the examples: the arguments are the server and a new model."""

import os
import sys
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import mlflow  # noqa: E402 - the settings above must come first
import numpy as np  # noqa: E402
from log_drift import log_drift  # noqa: E402

uri, model = sys.argv[1:]
mlflow.set_tracking_uri(uri)
mlflow.MlflowClient().create_registered_model(model)
rng = np.random.default_rng(1)
reference = {
    "amount": [*rng.lognormal(size=1_000), None, float("nan")],
    "items": list(rng.poisson(3, size=1_000)),
    "country": ["de", "fr"] * 500,
    "returning": [True] * 500 + [False] * 500,
    "constant": [1.0] * 1_000,
    "only_before": [1, 2, 3],
}
current = {
    "amount": list(rng.lognormal(0.8, size=900)),
    "items": list(rng.poisson(3, size=900)),
    "country": ["de", "it", "fr"] * 300,
    "returning": [True, False] * 450,
    "constant": [1.0] * 900,
}
print(log_drift(model, reference, current))
