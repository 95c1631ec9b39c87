"""Access to MLflow: runs with their evidence, model versions, the champion."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import mlflow
import mlflow.sklearn
import pandas as pd
import sklearn
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sklearn.pipeline import Pipeline

from recipes import LABEL, ROW_ID, Evaluation, Split

sys.path.append(str(Path(__file__).resolve().parents[1]))
from log_evidence import log_evidence  # noqa: E402 - a file to copy, beside this example

logging.getLogger("mlflow").setLevel(logging.ERROR)
MLFLOW_MAJOR = int(mlflow.__version__.split(".")[0])

CHAMPION_ALIAS = "champion"
CHALLENGER_ALIAS = "challenger"


class RegistryError(Exception):
    """The registry is in a state that this example does not support; the message says what to do."""


@dataclass(frozen=True)
class Version:
    """A registered model version with the numbers of its run."""

    number: str
    recipe: str
    metrics: dict[str, float]


class Registry:
    """One registered model, and the runs behind its versions.

    `mode` is the promotion's MLFLOW_REGISTRY_MODE: whether champion and challenger are marked by stages,
    by aliases, or by both.
    """

    def __init__(self, model_name: str, tracking_uri: str, mode: str) -> None:
        """Does not connect; the first call does."""
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_registry_uri(tracking_uri)
        self.model_name = model_name
        self.mode = mode
        self.client = mlflow.MlflowClient()

    def champion(self) -> Version | None:
        """The version in production, or None for a model that is not registered yet or has no version.

        Raises RegistryError for a model with versions of which none is in production.
        """
        try:
            model = self.client.get_registered_model(self.model_name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        if not model.latest_versions:
            return None
        number = self._champion_number(model.latest_versions, model.aliases)
        if number is None:
            raise RegistryError(
                f"Model {self.model_name!r} has versions, but none is in production. "
                "Choose another --model-name, or put one of its versions in production first."
            )
        return self._version(self.client.get_model_version(self.model_name, number))

    def create(self, policy: str | None) -> None:
        """Create the registered model; `policy` names the promotion policy for its versions."""
        tags = {} if policy is None else {"promotion.policy": policy}
        try:
            self.client.create_registered_model(self.model_name, tags=tags)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def register(self, recipe: str, model_uri: str, metrics: dict[str, float]) -> Version:
        """Register a logged model as the next version."""
        with quiet():
            version = mlflow.register_model(model_uri, self.model_name)
        return Version(str(version.version), recipe, metrics)

    def mark_champion(self, version: Version) -> None:
        """Move the first version to production without a promotion: there is no champion yet."""
        self._mark(version, "Production", CHAMPION_ALIAS)

    def mark_challenger(self, version: Version) -> None:
        """Mark a version as the challenger."""
        self._mark(version, "Staging", CHALLENGER_ALIAS)

    def _mark(self, version: Version, stage: str, alias: str) -> None:
        if self.mode != "aliases":
            with quiet():
                self.client.transition_model_version_stage(self.model_name, version.number, stage)
        if self.mode != "stages":
            self.client.set_registered_model_alias(self.model_name, alias, version.number)

    def _champion_number(self, latest: list[ModelVersion], aliases: dict[str, str]) -> str | None:
        if self.mode == "aliases":
            return aliases.get(CHAMPION_ALIAS)
        return next(
            (str(version.version) for version in latest if version.current_stage == "Production"), None
        )

    def _version(self, version: ModelVersion) -> Version:
        if not version.run_id:
            raise RegistryError(
                f"Version {version.version} of {self.model_name!r} was not registered from a run."
            )
        run = self.client.get_run(version.run_id)
        return Version(str(version.version), run.data.params.get("recipe", "unknown"), run.data.metrics)


def log_run(recipe: str, model: Pipeline, split: Split, evaluation: Evaluation) -> str:
    """Log one run with everything that a comparison needs and return the URI of the logged model."""
    with quiet(), mlflow.start_run(run_name=recipe):
        mlflow.log_params({"recipe": recipe, "estimator": str(model[-1]), "train_rows": len(split.training)})
        log_dataset(split.training, "training")
        log_dataset(split.evaluation, "evaluation")
        mlflow.log_metrics(evaluation.metrics)
        log_rows(evaluation.predictions, split)
        return log_model(model, split)


def log_dataset(rows: pd.DataFrame, context: str) -> None:
    """Log the rows as an input of the run. MLflow keeps their digest: equal digests, comparable runs."""
    dataset = from_pandas(rows, name=f"breast-cancer-{context}", targets=LABEL)
    mlflow.log_input(dataset, context=context)


def log_rows(predictions: pd.DataFrame, split: Split) -> None:
    """Log one line per evaluation row, which allows a paired comparison of two versions."""
    log_evidence(
        labels=predictions["label"],
        ids=predictions[ROW_ID],
        training_ids=split.training[ROW_ID],
        prediction=predictions["predicted"],
        probability=predictions["probability"],
    )


def log_model(model: Pipeline, split: Split) -> str:
    """Log the fitted model and return its URI."""
    inputs = split.training[split.measurements]
    # MLflow 3 and MLflow 2 name this parameter differently. Without explicit requirements MLflow would load
    # the model in a separate process to infer them.
    name = {"name": "model"} if MLFLOW_MAJOR >= 3 else {"artifact_path": "model"}
    logged = mlflow.sklearn.log_model(
        model,
        **name,
        signature=infer_signature(inputs, model.predict(inputs)),
        pip_requirements=[
            f"mlflow=={mlflow.__version__}",
            f"pandas=={pd.__version__}",
            f"scikit-learn=={sklearn.__version__}",
        ],
    )
    return logged.model_uri


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress MLflow's messages about deprecated stages, run addresses and new versions.

    Exceptions are not affected. Standard output is reserved for the result.
    """
    nowhere = io.StringIO()
    with warnings.catch_warnings(), redirect_stdout(nowhere), redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        yield
