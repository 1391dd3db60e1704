"""What a probe's figures hang on: weights, cases, seeds and versions."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.environment import describe_environment
from seq2seq.probe.items.case import Case
from seq2seq.probe.model.stock_model import StockModel

BACKEND = "eager attention of the stock class, called through AttentionInterface, 32 bits"


@dataclass(frozen=True)
class Provenance:
    """What reproduces a probe.

    Attributes:
        model_sha256: of all weights, by name and in their order.
        select_on_sha256: of the cases to choose on.
        items_sha256: of the cases to report.
        seeds: of what is drawn.
        environment: versions, commit and machine.
        attention: what computed the maps.
    """

    model_sha256: str
    select_on_sha256: str
    items_sha256: str
    seeds: Mapping[str, tuple[int, ...]]
    environment: Mapping[str, Any]
    attention: str


def provenance_of(
    model: StockModel,
    select_on: Sequence[Case],
    items: Sequence[Case],
    *,
    seeds: Mapping[str, tuple[int, ...]],
) -> Provenance:
    """Take down what a probe's figures hang on."""
    return Provenance(
        model_sha256=weights_hash(model),
        select_on_sha256=cases_hash(select_on),
        items_sha256=cases_hash(items),
        seeds=seeds,
        environment=describe_environment(),
        attention=BACKEND,
    )


def weights_hash(model: StockModel) -> str:
    """SHA-256 of the weights as they were read: in 32 bits, each after its name and shape."""
    digest = hashlib.sha256()
    for name, weight in model.model.state_dict().items():
        digest.update(f"{name} {tuple(weight.shape)}\n".encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def cases_hash(cases: Sequence[Case]) -> str:
    """SHA-256 of cases, whatever file they came from: the same questions have the same hash."""
    digest = hashlib.sha256()
    for case in cases:
        candidates = [vars(candidate) for candidate in case.candidates]
        fields = {**vars(case), "candidates": candidates, "correct": sorted(case.correct)}
        if not case.starts:  # so that sets of single sentences keep the hash that they had
            del fields["starts"]
        digest.update(json.dumps(fields, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()
