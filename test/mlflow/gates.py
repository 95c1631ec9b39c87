"""Logs and registers models of scikit-learn with a signature, as a pipeline does, and prints the versions."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import warnings
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
warnings.filterwarnings("ignore")
sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import log_evidence  # noqa: E402
import mlflow  # noqa: E402 - the settings above must come first
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow.models import infer_signature  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

logging.getLogger("mlflow").setLevel(logging.ERROR)
ROWS = 2000


def log_version(name: str, columns: list[str], scale: float, stage: str) -> str:
    """Train on some columns, log model, metric and rows, register and move to a stage; the version."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    labels = (frame["a"] + scale * random.normal(size=ROWS) > 0).astype(int)
    model = LogisticRegression().fit(frame[columns], labels)
    truth = (frame["a"] > 0).astype(int)
    predicted = model.predict(frame[columns]) if scale < 1 else np.where(random.random(ROWS) < 0.8, truth, 1 - truth)
    with mlflow.start_run() as run:
        mlflow.set_tag("mlflow.source.git.commit", "9fceb02d0ae598e95dc970b74767f19372d61af8")
        mlflow.log_param("columns", ",".join(columns))
        mlflow.log_metric("accuracy", float((predicted == truth).mean()))
        log_evidence.log_evidence(labels=truth, ids=range(ROWS), training_ids=range(ROWS, 2 * ROWS), prediction=predicted)
        info = mlflow.sklearn.log_model(model, name="model", signature=infer_signature(frame[columns], predicted))
        log_evidence.log_model_digest(info)
    version = mlflow.register_model(info.model_uri, name)
    client = mlflow.MlflowClient()
    client.set_model_version_tag(name, version.version, "licence", "MIT")
    client.transition_model_version_stage(name, version.version, stage)
    return str(version.version)


def main() -> None:
    """A champion, a challenger that takes the same, and one that needs another column."""
    uri, name = sys.argv[1], sys.argv[2]
    mlflow.set_tracking_uri(uri)
    with contextlib.redirect_stdout(sys.stderr):
        champion = log_version(name, ["a", "b"], 2.0, "Production")
        same = log_version(name, ["a", "b"], 0.1, "Staging")
        more = log_version(name, ["a", "b", "c"], 0.1, "Staging")
    json.dump({"champion": champion, "same": same, "more": more}, sys.stdout)


if __name__ == "__main__":
    main()
