"""A case in pieces, one piece a word, for tests that need no tokenizer."""

from seq2seq.probe.items.case import Case, Mention
from seq2seq.probe.items.pieces import Pieces
from seq2seq.probe.items.placement import Decision, PlacedCase

TEXT = "robot lifted crane because it was heavy ."


def placed_case(name: str = "one") -> PlacedCase:
    """`robot lifted crane because it was heavy .` with an end piece; crane is meant."""
    words, spans, start = TEXT.split(" "), [], 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + 1
    case = Case(
        id=name, text=TEXT, pronoun=spans[4], correct=frozenset({1}), pair="p", cluster=name,
        candidates=(Mention("robot", spans[0]), Mention("crane", spans[2])), cue=spans[6],
    )  # fmt: skip
    return PlacedCase(
        case=case,
        source=Pieces(TEXT, tuple(range(3, 12)), (*spans, None)),
        nouns=((2,), (0,)),
        words={
            "it": (4,),
            "was": (5,),
            "cue": (6,),
            "conjunction": (3,),
            "stop": (7,),
            "end": (8,),
        },
        others=((1,),),
        decision=Decision(row=2, good=5, bad=6, prefix=(2, 3, 4, 5), nouns=((2,), (1,))),
    )
