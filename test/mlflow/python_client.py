"""What MLflow's own Python client sees of a server, as one JSON document that must be the same for every server."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import tempfile
import uuid
import warnings
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
warnings.filterwarnings("ignore")

import mlflow  # noqa: E402 - the settings above must come first
import pandas as pd  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

logging.getLogger("mlflow").setLevel(logging.ERROR)


def log_run(experiment: str, values: list[float]) -> str:
    """One run with everything that a promotion reads."""
    mlflow.set_experiment(experiment)
    with mlflow.start_run(run_name="evaluation") as run:
        for step, value in enumerate(values):
            mlflow.log_metric("score", value, step=step)
        mlflow.log_metrics({"nan": float("nan"), "large": 1e300})
        mlflow.log_params({"depth": 3, "note": "ü"})
        mlflow.set_tag("kind", "tree")
        frame = pd.DataFrame({"feature": [1.0, 2.0], "label": [0, 1]})
        mlflow.log_input(mlflow.data.from_pandas(frame, name="holdout"), context="evaluation")
        mlflow.log_text("row,label\n1,0\n", "evaluation/predictions.csv")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "notes ü.txt")
            path.write_text("hello", encoding="utf-8")
            mlflow.log_artifact(str(path), "notes")
    return run.info.run_id


def seen_of_run(client: mlflow.MlflowClient, run_id: str) -> dict[str, object]:
    """The run as the client reads it back."""
    run = client.get_run(run_id)
    inputs = [
        {"name": i.dataset.name, "digest": i.dataset.digest, "tags": {t.key: t.value for t in i.tags}}
        for i in run.inputs.dataset_inputs
    ]
    return {
        "status": run.info.status,
        "name": run.info.run_name,
        "metrics": {key: repr(value) for key, value in sorted(run.data.metrics.items())},
        "history": [(m.step, m.value) for m in client.get_metric_history(run_id, "score")],
        "params": dict(sorted(run.data.params.items())),
        "kind": run.data.tags["kind"],
        "inputs": inputs,
        "files": [(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run_id, "evaluation")],
        "text": mlflow.artifacts.load_text(f"{run.info.artifact_uri}/evaluation/predictions.csv"),
        "note": mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/notes ü.txt"),
        "found": len(client.search_runs([run.info.experiment_id], "metrics.score > 0.5 and params.depth = '3'")),
    }


def refusal(action: object, *args: object) -> str:
    """The code of the error that a call ends in."""
    try:
        action(*args)  # type: ignore[operator]
    except MlflowException as error:
        return error.error_code
    return "none"


def seen_of_registry(client: mlflow.MlflowClient, model: str, run_ids: list[str]) -> dict[str, object]:
    """Registers three versions and moves them about."""
    client.create_registered_model(model, tags={"promotion.policy": "default"}, description="a model")
    for run_id in run_ids:
        source = f"{client.get_run(run_id).info.artifact_uri}/model"
        client.create_model_version(model, source, run_id, tags={"kind": "tree"})
    client.transition_model_version_stage(model, "1", "Production")
    client.transition_model_version_stage(model, "2", "Staging")
    client.transition_model_version_stage(model, "2", "Production", archive_existing_versions=True)
    client.set_model_version_tag(model, "2", "promotion.x", '{"a":"ü"}')
    client.set_registered_model_tag(model, "promotion.fence", "7")
    client.delete_model_version_tag(model, "3", "kind")
    client.set_registered_model_alias(model, "champion", "1")
    client.set_registered_model_alias(model, "champion", "2")
    client.update_model_version(model, "3", "the third")
    seen = client.get_registered_model(model)
    latest = client.get_latest_versions(model, ["Production", "Archived"])
    found = client.search_model_versions(f"name='{model}'", order_by=["version_number ASC"])
    pages = client.search_model_versions(f"name='{model}'", max_results=2)
    champion = client.get_model_version_by_alias(model, "champion")
    return {
        "tags": dict(seen.tags),
        "aliases": dict(seen.aliases),
        "description": seen.description,
        "latest": sorted((v.current_stage, str(v.version), list(v.aliases)) for v in latest),
        "versions": [(str(v.version), v.current_stage, v.status, v.tags, v.description) for v in found],
        "runs": [v.run_id == run_id for v, run_id in zip(found, run_ids)],
        "pages": (len(pages), pages.token is not None),
        "champion": (str(champion.version), list(champion.aliases)),
        "models": [m.name == model for m in client.search_registered_models(f"name='{model}'")],
        "download": client.get_model_version_download_uri(model, "2").endswith("/artifacts/model"),
        "missing version": refusal(client.get_model_version, model, "99"),
        "missing model": refusal(client.get_registered_model, "nope"),
        "missing alias": refusal(client.get_model_version_by_alias, model, "nope"),
        "second model": refusal(client.create_registered_model, model),
        "bad stage": refusal(client.transition_model_version_stage, model, "1", "Live"),
    }


def main() -> None:
    """Print what the server at the given address lets the client see."""
    mlflow.set_tracking_uri(sys.argv[1])
    client = mlflow.MlflowClient()
    mark = uuid.uuid4().hex[:8]
    # MLflow 2 prints links to standard output, which is for the document.
    with contextlib.redirect_stdout(sys.stderr):
        run_ids = [log_run(f"client-{mark}", [0.5, 0.25, last]) for last in (0.6, 0.7, 0.8)]
        runs = [seen_of_run(client, run_id) for run_id in run_ids]
        registry = seen_of_registry(client, f"client ü+{mark}", run_ids)
    json.dump({"runs": runs, "registry": registry}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
