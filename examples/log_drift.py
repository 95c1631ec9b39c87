"""Log how the inputs of a model are distributed in two periods, as `drift.json`. Copy this file; it needs mlflow alone."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from numbers import Real
from statistics import quantiles

import mlflow

Columns = Mapping[str, Sequence[object]]
"""The values of each feature, in columns: `frame.to_dict("list")` of a pandas frame."""
OTHER = "(other)"


def log_drift(model_name: str, reference: Columns, current: Columns, bins: int = 20) -> str:
    """Log both periods in a run of its own, and name that run in the tag of the registered model. Return the run's id.

    `reference` is what the model was trained on, `current` what it was asked lately: counts are logged, no rows. Bins are
    quantiles of the reference (2 to 200), or its most frequent values. Missing values are left out. Call it before a new
    version is registered, or after its own training: drift that is older than the newest version does not count.
    """
    periods: list[dict[str, dict[str, object]]] = [{}, {}]
    for name in sorted(reference.keys() & current.keys()):
        before, now = present(reference[name]), present(current[name])
        described = numeric if before and all(is_number(value) for value in before + now) else categorical
        for period, feature in zip(periods, described(before, now, bins), strict=True):
            period[name] = feature
    document = {
        "reference": {"format": 1, "features": periods[0]},
        "current": {"format": 1, "features": periods[1]},
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    with mlflow.start_run(run_name=f"drift of {model_name}") as run:
        mlflow.log_dict(document, "drift.json")
    mlflow.MlflowClient().set_registered_model_tag(model_name, "promotion.drift", run.info.run_id)
    return run.info.run_id


def numeric(before: list[object], now: list[object], bins: int) -> list[dict[str, object]]:
    """Rows in bins that hold about as many rows of the reference each; both periods have the same edges."""
    values = [float(value) for value in before]
    edges = sorted(set(quantiles(values, n=bins))) if len(values) > 1 else values
    described = []
    for period in (before, now):
        found = Counter(bisect_right(edges, float(value)) for value in period)
        described.append({"edges": edges, "counts": [found[at] for at in range(len(edges) + 1)]})
    return described


def categorical(before: list[object], now: list[object], bins: int) -> list[dict[str, object]]:
    """Rows with each of the most frequent values of the reference, and with all others."""
    kept = [value for value, _ in Counter(str(value)[:250] for value in before).most_common(bins - 1)]
    described = []
    for period in (before, now):
        found = Counter(text if text in kept else OTHER for text in (str(value)[:250] for value in period))
        values = [*(value for value in kept if value != OTHER), OTHER]
        described.append({"values": values, "counts": [found[value] for value in values]})
    return described


def present(values: Sequence[object]) -> list[object]:
    """The values that are not missing."""
    return [value for value in values if value is not None and value == value]  # noqa: PLR0124 - NaN is not itself


def is_number(value: object) -> bool:
    """A finite number; what is true or false is a category."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(float(value))
