"""Log per-row evidence to the active MLflow run. Copy this file; it needs mlflow and nothing else."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import struct
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import mlflow

HASHES = 7


def log_evidence(  # noqa: PLR0913 - one name for each column
    labels: Sequence[object],
    ids: Sequence[object] | None = None,
    candidates: int | None = None,
    training_ids: Iterable[object] | None = None,
    **columns: Sequence[object],
) -> str:
    """Log one row for each evaluated example, in `evaluation_rows.csv`, and return the fingerprint of the data.

    `columns` are those of the comparison: prediction, probability, loss, cluster, slice; of a trading strategy `returns`, in the
    order of time, with the market's own returns as `labels` and the dates as `ids`. `ids` name the same example in every
    run. `candidates` is the number of models of which this one was the best. `training_ids` are the ids that the model was
    trained on: they are logged as a Bloom filter, by which evaluation rows among them are found. With a hash of the features
    as id, equal rows are found too.
    """
    names = [*(["row_id"] if ids is not None else []), "label", *columns]
    values = [*([ids] if ids is not None else []), labels, *columns.values()]
    cells = [[plain(value) for value in column] for column in values]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "evaluation_rows.csv")
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([names, *zip(*cells, strict=True)])
        mlflow.log_artifact(str(path))
    digest = fingerprint(labels, ids)
    mlflow.set_tag("promotion.fingerprint", digest)
    if candidates is not None:
        mlflow.set_tag("promotion.candidates", str(candidates))
    if training_ids is not None:
        mlflow.log_dict(bloom_filter(training_ids), "training_rows.bloom.json")
    return digest


def log_model_digest(info: mlflow.models.model.ModelInfo) -> str:
    """Note in the active run the SHA-256 of the file `MLmodel` that `log_model` has written, and return it.

    `info` is what `log_model` has returned: MLflow 3 has a location of its own for the model, MLflow 2 a folder of the run.
    """
    path = info.artifact_path
    root = path if ":/" in path or path.startswith("/") else f"runs:/{info.run_id}/{path}"
    with tempfile.TemporaryDirectory() as folder:
        file = mlflow.artifacts.download_artifacts(f"{root}/MLmodel", dst_path=folder)
        digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    mlflow.set_tag("promotion.mlmodel_sha256", digest)
    return digest


def fingerprint(labels: Sequence[object], ids: Sequence[object] | None = None) -> str:
    """SHA-256 over the sorted pairs (id, label): the same for the same data in every order and format."""
    keys = range(len(labels)) if ids is None else ids
    pairs = ([canonical_id(key), canonical(label)] for key, label in zip(keys, labels, strict=True))
    lines = sorted(json.dumps(pair, separators=(",", ":")) + "\n" for pair in pairs)
    return hashlib.sha256("".join(lines).encode("ascii")).hexdigest()


def bloom_filter(ids: Iterable[object]) -> dict[str, object]:
    """A Bloom filter of the ids, ten bits for each: 0.8 % of other ids seem to be in it."""
    keys = {canonical_id(key) for key in ids}
    bits = max(8, -(-len(keys) * 10 // 8) * 8)
    content = bytearray(bits // 8)
    for key in keys:
        digest = hashlib.sha256(key.encode()).digest()
        first, step = int.from_bytes(digest[:6], "big"), int.from_bytes(digest[6:12], "big")
        for turn in range(HASHES):
            bit = (first + turn * step) % bits
            content[bit // 8] |= 1 << bit % 8
    text = base64.b64encode(content).decode()
    return {"version": 1, "rows": len(keys), "bits": bits, "hashes": HASHES, "filter": text}


def plain(value: object) -> object:
    """A value of NumPy or pandas as Python's own, of which CSV has all digits."""
    return value.item() if hasattr(value, "item") else value


def canonical_id(value: object) -> str:
    """An integer without `.0`; everything else as it is."""
    text = str(plain(value))
    whole = re.fullmatch(r"(-?(?:0|[1-9][0-9]*))(?:\.0+)?", text)
    return text if whole is None else "0" if whole[1] == "-0" else whole[1]


def canonical(value: object) -> str:
    """A number as integer, or else as the hexadecimal digits of its double; True is 1; everything else as it is."""
    text = {"True": "1", "true": "1", "False": "0", "false": "0"}.get(str(plain(value)), str(plain(value)))
    if not re.fullmatch(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", text):
        return text
    number = float(text)
    if number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    return text if re.fullmatch(r"-?[0-9]+", text) else struct.pack(">d", number).hex()
