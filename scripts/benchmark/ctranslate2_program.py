"""Translate a file with CTranslate2 alone: what somebody would write who needs nothing else.

A program of its own, which loads nothing of this project. Its only argument is a JSON object:
``model`` (a folder in CTranslate2's format), ``tokenizer`` (a tokenizer.json), ``source`` and
``output`` (files, one segment a line), ``beams``, ``length_penalty``, ``max_length`` (pieces of an
output), ``compute_type``, ``inter_threads``, ``intra_threads``, ``batch_type``, ``max_batch_size``
and ``warm_up`` (whether to translate once before the clock starts). It prints a JSON object: its
seconds of cutting into pieces, of searching, and of translating, which is all from reading the
text to writing the last line.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import ctranslate2
from tokenizers import Tokenizer


def main() -> None:
    """Do the job and print the seconds."""
    job = json.loads(sys.argv[1])
    translator = ctranslate2.Translator(
        job["model"], device="cpu", compute_type=job["compute_type"],
        inter_threads=job["inter_threads"], intra_threads=job["intra_threads"],
    )  # fmt: skip
    tokenizer = Tokenizer.from_file(job["tokenizer"])
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def search(pieces: list[list[str]]) -> list[list[str]]:
        results = translator.translate_batch(
            pieces, beam_size=job["beams"], length_penalty=job["length_penalty"],
            batch_type=job["batch_type"], max_batch_size=job["max_batch_size"],
            max_decoding_length=job["max_length"], min_decoding_length=0, max_input_length=0,
        )  # fmt: skip
        return [result.hypotheses[0] for result in results]

    start = time.perf_counter()
    lines = Path(job["source"]).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    pieces = [encoding.tokens for encoding in tokenizer.encode_batch(lines)]
    cut = time.perf_counter()
    if job["warm_up"]:
        search(pieces)
    searching = time.perf_counter()
    found = search(pieces)
    searched = time.perf_counter()
    ids: Any = [[tokenizer.token_to_id(piece) for piece in row] for row in found]
    texts = tokenizer.decode_batch(ids, skip_special_tokens=True)
    Path(job["output"]).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    end = time.perf_counter()
    seconds = {
        "cutting": cut - start,
        "searching": searched - searching,
        "translating": (cut - start) + (end - searching),
    }
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
