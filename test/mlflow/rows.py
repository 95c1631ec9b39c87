"""Logs the same rows in every format that MLflow's client writes, one run for each, and prints what they are."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import os
import sys
import tempfile
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

logging.getLogger("mlflow").setLevel(logging.ERROR)
ROWS = 200


def rows() -> pd.DataFrame:
    """Rows with features, an id, and everything that JSON has to escape."""
    random = np.random.default_rng(1)
    probability = random.random(ROWS)
    return pd.DataFrame(
        {
            "feature": random.random(ROWS),
            "row_id": np.arange(ROWS) + 2**40,
            "note": ['a/b "quoted" \\ ünïcode, comma'] * ROWS,
            "day": pd.date_range("2026-01-01", periods=ROWS),
            "label": random.integers(0, 2, ROWS),
            "prediction": probability > 0.5,
            "probability": probability,
            "slice": np.where(np.arange(ROWS) % 3 == 0, "é/ß", "other"),
        }
    )


def log_file(frame: pd.DataFrame, name: str) -> None:
    """Log a CSV or Parquet file as artifact."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        if name.endswith(".parquet"):
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False)
        mlflow.log_artifact(str(path))


def log_with_helper(frame: pd.DataFrame) -> str:
    """Log with the file that anybody may copy; its fingerprint."""
    return log_evidence.log_evidence(
        labels=frame["label"],
        ids=frame["row_id"],
        candidates=3,
        training_ids=range(5000),
        prediction=frame["prediction"],
        probability=frame["probability"],
        slice=frame["slice"],
    )


def log_evaluation(frame: pd.DataFrame) -> None:
    """What `mlflow.evaluate` writes where a metric has one score for each row."""
    from mlflow.metrics import MetricValue, make_metric

    def squared(predictions: pd.Series, targets: pd.Series) -> MetricValue:
        scores = (predictions.astype(float) - targets.astype(float)) ** 2
        return MetricValue(scores=scores.tolist(), aggregate_results={"mean": float(scores.mean())})

    metric = make_metric(eval_fn=squared, greater_is_better=False, name="loss")
    data = frame[["row_id", "label", "probability"]].rename(columns={"probability": "outputs"})
    mlflow.evaluate(data=data, targets="label", predictions="outputs", extra_metrics=[metric])


def table(name: str, times: int = 1):  # noqa: ANN201
    """A writer of a table by `log_table`."""

    def write(frame: pd.DataFrame) -> None:
        for _ in range(times):
            mlflow.log_table(frame, name)

    return write


def lists(frame: pd.DataFrame) -> None:
    """`log_table` of lists by name instead of a frame."""
    mlflow.log_table({key: frame[key].tolist() for key in frame if key != "day"}, "evaluation_rows.json")


def compressed(frame: pd.DataFrame) -> None:
    """A table in JSON, gzipped by hand."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "evaluation_rows.json.gz")
        columns = {"columns": ["row_id", "label", "probability"]}
        path.write_bytes(gzip.compress(json.dumps({**columns, "data": frame[columns["columns"]].values.tolist()}).encode()))
        mlflow.log_artifact(str(path))


WRITERS = {
    "csv": lambda frame: log_file(frame, "evaluation_rows.csv"),
    "csv gz": lambda frame: log_file(frame, "evaluation_rows.csv.gz"),
    "parquet": lambda frame: log_file(frame, "evaluation_rows.parquet"),
    "log_table json": table("evaluation_rows.json"),
    "log_table json, any name": table("tables/my rows.json"),
    "log_table parquet": table("evaluation_rows.parquet"),
    "log_table twice": table("evaluation_rows.json", 2),
    "log_table of lists": lists,
    "json gz": compressed,
    "helper": log_with_helper,
    "evaluate": log_evaluation,
    "missing": lambda frame: table("evaluation_rows.json")(frame.assign(probability=[np.nan, np.inf] + [0.5] * (ROWS - 2))),
    "nothing": lambda frame: mlflow.log_text("hello", "notes.txt"),
}


def main() -> None:
    """Write every format to the server at the given address."""
    mlflow.set_tracking_uri(sys.argv[1])
    frame = rows()
    runs = {}
    with contextlib.redirect_stdout(sys.stderr):
        for name, write in WRITERS.items():
            with mlflow.start_run() as run:
                write(frame)
            runs[name] = run.info.run_id
    fingerprint = log_evidence.fingerprint(frame["label"], frame["row_id"])
    odd = [True, "7.0", "007", 1e300, 0.1, "é\u007f😀", -0.0, 2**60, "True", "1.10", np.float32(0.1)]
    document = {
        "runs": runs,
        "fingerprint": fingerprint,
        "probability": frame["probability"].tolist(),
        "odd": {"values": [str(log_evidence.plain(value)) for value in odd], "fingerprint": log_evidence.fingerprint(odd, [f"{value}" for value in odd])},
    }
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main()
