"""Write the outcomes of an hour for the watch of a release. Copy this file; it needs mlflow and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from mlflow import MlflowClient
from mlflow.entities import RunTag

HOUR = 3600


def log_block(  # noqa: PLR0913 - one name for each part of a block
    run_id: str,
    hour: datetime,
    new: str,
    old: str,
    new_wrong: Sequence[bool],
    old_wrong: Sequence[bool],
) -> None:
    """Write one block: of each request in this hour, whether the new version and the old one got it wrong.

    `hour` is any time in it, with a time zone; it is the hour in which the requests were made. Call it once for an hour, when the
    true values of all of its requests are known: a block that changes later does not count. The registered model names the
    run in its tag `promotion.monitor`; each pair of releases has a run of its own.
    """
    index = int(hour.timestamp()) // HOUR
    start = datetime.fromtimestamp(index * HOUR, tz=timezone.utc)
    pairs = list(zip(new_wrong, old_wrong, strict=True))
    only_new = sum(1 for ours, theirs in pairs if ours and not theirs)
    only_old = sum(1 for ours, theirs in pairs if theirs and not ours)
    block = {
        **{"new": new, "old": old, "from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()},
        **{"a": only_new, "b": only_old, "z": len(pairs) - only_new - only_old},
    }
    # In one request, which leaves the status of the run alone.
    tags = [RunTag(f"promotion.block.{index}", json.dumps(block))]
    MlflowClient().log_batch(run_id, tags=tags)
