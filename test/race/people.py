"""People who use MLflow's own client: a line of JSON with the calls of a round, a line with their time."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.filterwarnings("ignore")

from mlflow import MlflowClient  # noqa: E402 - the settings above must come first


def champions(client: MlflowClient, model: str, mode: str) -> list[str]:
    """Who is champion, as a person looks it up before acting."""
    if mode == "aliases":
        return [client.get_model_version_by_alias(model, "champion").version]
    return [version.version for version in client.get_latest_versions(model, ["Production"])]


def move(client: MlflowClient, model: str, mode: str, version: str) -> None:
    """Makes a version the champion, as MLflow's documentation shows it."""
    if mode != "aliases":
        client.transition_model_version_stage(model, version, "Production", archive_existing_versions=True)
    if mode != "stages":
        client.set_registered_model_alias(model, "champion", version)


def act(client: MlflowClient, asked: dict, call: dict, at: float) -> dict:
    """One call at its time, in seconds since 1970."""
    time.sleep(max(0.0, at + call["delay"] - time.time()))
    try:
        move(client, asked["model"], asked["mode"], call["version"])
    except Exception as error:  # noqa: BLE001 - whatever a person would see
        return {"error": f"{type(error).__name__}: {error}"}
    return {"error": None}


def main() -> None:
    """Serve rounds until standard input ends: everybody looks, is given the time, and acts."""
    client = MlflowClient(tracking_uri=sys.argv[1])
    client.search_registered_models(max_results=1)
    print(json.dumps("ready"), flush=True)
    with ThreadPoolExecutor(max_workers=8) as threads:
        for line in sys.stdin:
            asked = json.loads(line)
            seen = list(threads.map(lambda _: champions(client, asked["model"], asked["mode"]), asked["calls"]))
            print(json.dumps(seen), flush=True)
            at = json.loads(sys.stdin.readline())
            running = [threads.submit(act, client, asked, call, at) for call in asked["calls"]]
            print(json.dumps([each.result() for each in running]), flush=True)


if __name__ == "__main__":
    main()
