"""The data, and the models that can be trained on it. Independent of MLflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

ROW_ID = "row_id"
LABEL = "malignant"
SPLIT_SEED = 20
REFRESH_SEED = 7
FIRST_RECIPE = "one-measurement"
BETTER_RECIPE = "all-measurements"


@dataclass(frozen=True)
class Split:
    """The training rows and the evaluation rows; each has `row_id`, the measurements and the label."""

    training: pd.DataFrame
    evaluation: pd.DataFrame

    @property
    def measurements(self) -> list[str]:
        """The names of the input columns."""
        return [column for column in self.training.columns if column not in (ROW_ID, LABEL)]


@dataclass(frozen=True)
class Evaluation:
    """The results of one model on the evaluation rows: the metrics, and the predictions behind them."""

    metrics: dict[str, float]
    predictions: pd.DataFrame


def load_split() -> Split:
    """Split the Wisconsin diagnostic breast cancer data (569 tumours, 30 measurements each) in two halves.

    The split is the same in every run: two versions can be compared only on the same evaluation rows.
    `row_id` is the row's position in the data set, by which predictions of two versions can be joined.
    """
    data = load_breast_cancer(as_frame=True)
    rows = data.data.copy()
    rows.insert(0, ROW_ID, np.arange(len(rows)))
    rows[LABEL] = 1 - data.target  # scikit-learn has 0 for malignant, which is the class to be found
    training, evaluation = train_test_split(
        rows, test_size=0.5, stratify=rows[LABEL], random_state=SPLIT_SEED
    )
    return Split(training.sort_values(ROW_ID), evaluation.sort_values(ROW_ID))


def refreshed(split: Split) -> Split:
    """Omit one training row in ten, as in a retraining on slightly different data."""
    training = split.training.sample(frac=0.9, random_state=REFRESH_SEED)
    return Split(training, split.evaluation)


def one_measurement() -> Pipeline:
    """Logistic regression on the mean radius alone, out of the same input columns as the other recipe.

    MLflow 3 saves scikit-learn models as skops files; it does not load those of decision trees by default.
    """
    only_radius = make_column_transformer((StandardScaler(), ["mean radius"]))
    return make_pipeline(only_radius, LogisticRegression(max_iter=1000))


def all_measurements() -> Pipeline:
    """Logistic regression on all the measurements."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


RECIPES: dict[str, Callable[[], Pipeline]] = {
    FIRST_RECIPE: one_measurement,
    BETTER_RECIPE: all_measurements,
}


def fit(recipe: str, split: Split) -> Pipeline:
    """Fit a recipe on the training rows."""
    return RECIPES[recipe]().fit(split.training[split.measurements], split.training[LABEL])


def evaluate(model: Pipeline, split: Split) -> Evaluation:
    """Evaluate a model on the evaluation rows; a probability of at least 0.5 counts as malignant."""
    labels = split.evaluation[LABEL].to_numpy()
    probability = model.predict_proba(split.evaluation[split.measurements])[:, 1]
    predicted = (probability >= 0.5).astype(int)
    metrics = {
        "accuracy": float(accuracy_score(labels, predicted)),
        "log_loss": float(log_loss(labels, probability)),
        "roc_auc": float(roc_auc_score(labels, probability)),
        "eval_rows": float(len(labels)),
    }
    predictions = pd.DataFrame(
        {
            ROW_ID: split.evaluation[ROW_ID].to_numpy(),
            "label": labels,
            "predicted": predicted,
            "probability": probability,
        }
    )
    return Evaluation(metrics, predictions)
