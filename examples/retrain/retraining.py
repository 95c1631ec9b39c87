"""One retraining: read the champion (or create one), train, evaluate, log and register a challenger."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass

import mlflow
from google.protobuf.json_format import ParseError
from mlflow.exceptions import MlflowException

import recipes
import tracking


class RetrainingError(Exception):
    """MLflow failed or is in an unexpected state; the message says what to do."""


@dataclass(frozen=True)
class Versions:
    """The version in production, and the one to promote."""

    champion: tracking.Version
    challenger: tracking.Version


def retrain(options: Namespace, say: Callable[[str], None]) -> Versions:
    """Run one retraining. Raises RetrainingError for every failure of MLflow."""
    try:
        return _retrain(options, say)
    except tracking.RegistryError as error:
        raise RetrainingError(str(error)) from error
    except (MlflowException, ParseError, OSError) as error:
        reason = first_line(str(error))
        raise RetrainingError(f"MLflow at {options.tracking_uri}: {reason}") from error


def _retrain(options: Namespace, say: Callable[[str], None]) -> Versions:
    registry = tracking.Registry(options.model_name, options.tracking_uri, options.registry_mode)
    champion = registry.champion()
    mlflow.set_experiment(options.experiment)
    split = recipes.load_split()
    say(f"Data: {len(split.training)} training rows, {len(split.evaluation)} evaluation rows")
    if champion is None:
        registry.create(options.policy)
        champion = add_version(registry, recipes.FIRST_RECIPE, split)
        registry.mark_champion(champion)
    say(describe("champion", champion))
    challenger = train_challenger(registry, champion, split, options.challenger)
    registry.mark_challenger(challenger)
    say(describe("challenger", challenger))
    return Versions(champion, challenger)


def train_challenger(
    registry: tracking.Registry, champion: tracking.Version, split: recipes.Split, kind: str
) -> tracking.Version:
    """Train a better challenger, or one that is similar to the champion."""
    if kind == "better":
        return add_version(registry, recipes.BETTER_RECIPE, split)
    if champion.recipe not in recipes.RECIPES:
        raise RetrainingError(
            f"Champion {champion.number} was not trained by this example: use --challenger better."
        )
    return add_version(registry, champion.recipe, recipes.refreshed(split))


def add_version(registry: tracking.Registry, recipe: str, split: recipes.Split) -> tracking.Version:
    """Fit, evaluate, log and register one model."""
    model = recipes.fit(recipe, split)
    evaluation = recipes.evaluate(model, split)
    model_uri = tracking.log_run(recipe, model, split, evaluation)
    return registry.register(recipe, model_uri, evaluation.metrics)


def describe(place: str, version: tracking.Version) -> str:
    """One line about a version."""
    shown = ("accuracy", "log_loss", "roc_auc")
    numbers = "  ".join(f"{key} {version.metrics[key]:.4f}" for key in shown if key in version.metrics)
    return f"{place:<10}  version {version.number:<3}  {version.recipe:<16}  {numbers}"


def first_line(text: str) -> str:
    """The first line of a message, at most 300 characters; it may be a page of HTML or SQL."""
    line = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return line if len(line) <= 300 else f"{line[:300]}…"
