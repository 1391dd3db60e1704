"""Where the attention page of a text opens: at the head that a probe chose or training guided."""

from collections.abc import Iterator
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.files import read_json_object
from seq2seq.probe.measures.scores import reads_back
from seq2seq.probe.model.loading import guided_heads
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.verdict_table import PROBE_FILE
from seq2seq.viewer.content import Head, Reading, Stack

STACKS: tuple[Stack, ...] = ("encoder", "cross", "decoder")


def opening_head(model: StockModel, reading: Reading) -> tuple[Head, tuple[str, ...]]:
    """Choose the head that a page shows first.

    A head that a probe of this run chose comes first, then the one that training guided; then, for
    a text with a pronoun, the mean of the last layer that reads the text; then the mean of the last
    layer of cross-attention, or of the only stack.

    Args:
        model: the model that has read.
        reading: what it has read, its pronouns marked.

    Returns:
        The head, and sentences for the foot of the page: why it is this one, and which probe names
        a head that the model does not have.
    """
    notes: list[str] = []
    for path in sorted(Path(model.name).glob(f"probe/*/{PROBE_FILE}")):
        found = _chosen(path, model)
        if found is not None:
            return found[0], (*notes, found[1])
        notes.append(f"{path} names no head of this model, so the page does not open at it.")
    guided = _guided(model)
    if guided is not None:
        head, why = guided
        return head, (*notes, why)
    stacks = [panel.stack for panel in reading.panels]
    pronoun = any(mark.role == "pronoun" for mark in reading.marks)
    stack: Stack = "cross" if "cross" in stacks and not pronoun else stacks[0]
    return Head(stack, model.depth[stack] - 1), tuple(notes)


def head_named(model: StockModel, name: str) -> Head:
    """The head that a user names: "1.0" or "cross:1.0"; "cross:1" is the mean of layer 1.

    Args:
        model: the model that is to have it.
        name: kind of attention, layer and head, both counted from 0; without a kind that of the
            encoder, or of a decoder that stands alone.

    Raises:
        DataError: the model has no such head.
    """
    stacks = [stack for stack in STACKS if stack in model.depth]
    given, _, place = name.rpartition(":")
    kind, numbers = given or stacks[0], place.split(".")
    if kind in stacks and len(numbers) in (1, 2) and all(map(str.isdecimal, numbers)):
        layer, *head = map(int, numbers)
        found = _within(model, kind, layer, head[0] if head else None)
        if found is not None:
            return found
    sizes = ", ".join(
        f"{stack} has {model.depth[stack]} layers of {model.heads[stack]} heads" for stack in stacks
    )
    raise DataError(
        f"--head {name}: no head of {model.name}, needed LAYER.HEAD counted from 0, "
        f"KIND:LAYER.HEAD for another kind, or KIND:LAYER for the mean of a layer; {sizes}"
    )


def _chosen(path: Path, model: StockModel) -> tuple[Head, str] | None:
    """What a probe has chosen, if it is a head, or a layer, of this model."""
    try:
        probe = read_json_object(path, error=DataError, needed="the record of a probe")
        measure, chosen_on = probe["chosen"]["measure"], probe["spec"]["selected_on"]
        place = measure["stack"], measure["layer"], measure["head"]
        read_by = reads_back(measure["route"])
    except (DataError, KeyError, TypeError):
        return None
    head = _within(model, *place, read_by=read_by)
    if head is None:
        return None
    return head, f"The page opens at the head that the probe chose on {chosen_on}."


def _guided(model: StockModel) -> tuple[Head, str] | None:
    """The head that the recipe of a run guides to the antecedent."""
    for place in guided_heads(model.name):
        head = _within(model, *place)
        if head is not None:
            return head, (
                "The page opens at the head that training guided to the antecedent "
                "(train.guided_attention)."
            )
    return None


def _within(
    model: StockModel, stack: object, layer: object, head: object, *, read_by: bool = False
) -> Head | None:
    """The head, if the model has it; numbers from 0, none for the mean of a layer."""
    known: Iterator[Stack] = (one for one in STACKS if one in model.depth and one == stack)
    found = next(known, None)
    if found is None or not isinstance(layer, int) or not 0 <= layer < model.depth[found]:
        return None
    if head is not None and not (isinstance(head, int) and 0 <= head < model.heads[found]):
        return None
    return Head(found, layer, head, read_by)
