"""The Python peer: what people write by hand on mlflow-skinny. It reads and moves; it makes sure of nothing."""

import json
import os
import resource
import sys
import time

begin = time.perf_counter()
from mlflow import MlflowClient  # noqa: E402  (its import is what is measured)

loaded = time.perf_counter()
event = json.loads(os.environ["EVENT"])
client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
name = event["model_name"]


def promote() -> dict:
    version = client.get_model_version(name, event["new_version"])
    client.transition_model_version_stage(name, version.version, "Production", archive_existing_versions=True)
    return {"promoted": True, "version": version.version}


def compare() -> dict:
    champion, challenger = (
        client.get_run(client.get_model_version(name, event[which]).run_id).data.metrics
        for which in ("champion_version", "challenger_version")
    )
    better = all(challenger[metric] > value for metric, value in champion.items() if metric in challenger)
    return {"decision": "PROMOTE" if better else "KEEP"}


{"promote-model": promote, "compare-models": compare}[sys.argv[1]]()
answered = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"loadMs": (loaded - begin) * 1e3, "callMs": (answered - loaded) * 1e3, "peakKb": peak}))
sys.stdout.flush()
os._exit(0)
