"""The pieces of words that were cut before: a text is cut as its words are.

A corpus holds few different words, and looking one up takes a tenth of the time of cutting it.
"""

import pickle
from collections.abc import Sequence
from itertools import islice
from typing import Any

from seq2seq.vocabulary import WORD_START, normal_form, word_splitter

MOST_WORDS = 30_000  # those met first, the frequent ones among them; some 5 MB
WORDS_AT_ONCE = 100  # fewer take longer, more leave nothing to a second core
LONGEST_WORD = 32  # characters; what is longer is a line without spaces, and hardly comes again


class WordPieces:
    """Cuts texts by words, for a tokenizer that cuts each word without regard to the others.

    Args:
        backend: A ``tokenizers.Tokenizer`` that splits text at white space and nowhere looks over
            it, and of which each encoded text ends with the same one piece.
    """

    def __init__(self, backend: Any):
        self._backend = backend
        self._known: dict[str, tuple[int, ...]] = {}
        self._numbers: dict[int, int] = {}  # one object for each piece of all words

    def encode(self, texts: Sequence[str], end: int) -> list[list[int]]:
        """Piece ids of each text, ``end`` last."""
        lines = [text.replace(WORD_START, " ").split() for text in texts]
        known = self._known
        new = list(dict.fromkeys(w for line in lines for w in line if w not in known))
        found = dict(zip(new, self._cut(new), strict=True))
        encoded = []
        for line in lines:
            ids = [number for word in line for number in (found if word in found else known)[word]]
            ids.append(end)
            encoded.append(ids)
        short = ((word, ids) for word, ids in found.items() if len(word) <= LONGEST_WORD)
        same = self._numbers.setdefault
        for word, ids in islice(short, max(0, MOST_WORDS - len(known))):
            known[word] = tuple([same(number, number) for number in ids])
        return encoded

    def _cut(self, words: Sequence[str]) -> list[list[int]]:
        """Piece ids of each word; many words in one text take half the time of as many texts."""
        groups = [words[n : n + WORDS_AT_ONCE] for n in range(0, len(words), WORDS_AT_ONCE)]
        found: list[list[int]] = []
        cut = self._backend.encode_batch([" ".join(group) for group in groups])
        for group, text in zip(groups, cut, strict=True):
            pieces = text.tokens
            starts = [n for n, piece in enumerate(pieces) if piece.startswith(WORD_START)]
            if len(starts) == len(group):
                ids, ends = text.ids, [*starts[1:], len(pieces) - 1]
                found += [ids[start:end] for start, end in zip(starts, ends, strict=True)]
            else:  # some hold nothing that is visible, or are spelt without a mark at their start
                found += [one.ids[:-1] for one in self._backend.encode_batch_fast(list(group))]
        return found


def word_pieces(backend: Any, eos_id: int) -> WordPieces | None:
    """Cut by words, where that gives what cutting the whole text does.

    It does with the settings that ``tokenizer`` writes; those of other programs are not looked
    through.

    Args:
        backend: A ``tokenizers.Tokenizer``.
        eos_id: Its end-of-sentence piece.
    """
    steps = pickle.dumps((backend.normalizer, backend.pre_tokenizer))
    ours = (
        pickle.dumps((normal_form(lowercase), word_splitter(kind)))
        for lowercase in (False, True)
        for kind in ("unigram", "bpe")
    )
    (frame,) = backend.encode_batch_fast([""])
    return WordPieces(backend) if steps in ours and frame.ids == [eos_id] else None
