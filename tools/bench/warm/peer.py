"""The Python peer in one process: reads and moves with MLflow's client, again and again; it makes sure of nothing."""

import json
import os
import sys
import time

from mlflow import MlflowClient

event = json.loads(os.environ["EVENT"])
client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
name = event["model_name"]


def promote(version: str) -> None:
    found = client.get_model_version(name, version)
    client.transition_model_version_stage(name, found.version, "Production", archive_existing_versions=True)


def compare() -> bool:
    champion, challenger = (
        client.get_run(client.get_model_version(name, version).run_id).data.metrics for version in ("1", "2")
    )
    return all(challenger[metric] > value for metric, value in champion.items())


def timed(work, *args) -> float:
    begin = time.perf_counter()
    work(*args)
    return (time.perf_counter() - begin) * 1e3


timed(compare), timed(promote, "2")
# Each line is one call, so that whoever reads along knows which requests were its.
for line in sys.stdin:
    what, version = line.split()
    print(timed(compare) if what == "compare-models" else timed(promote, version), flush=True)
