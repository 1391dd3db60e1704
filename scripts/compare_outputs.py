"""Translate a file with stock classes, in a process without seq2seq, and with seq2seq; compare.

Both search alike: the same beams, at most 128 pieces, length penalty 1. See ``--help``.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.decode.options import DecodeOptions
from seq2seq.lines import read_lines
from seq2seq.run import model_folder
from seq2seq.translate import Translator

MOST_PIECES = 128
STOCK = """
import json, sys
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

folder, beams, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
lines = json.load(sys.stdin)
order = sorted(range(len(lines)), key=lambda place: len(lines[place]))
texts = [""] * len(lines)
for start in range(0, len(order), 64):
    places = order[start : start + 64]
    batch = tokenizer([lines[place] for place in places], return_tensors="pt", padding=True)
    with torch.inference_mode():
        ids = model.generate(
            **batch, num_beams=beams, early_stopping=beams > 1, length_penalty=1.0,
            no_repeat_ngram_size=0, max_new_tokens=most, max_length=None,
        )
    for place, text in zip(places, tokenizer.batch_decode(ids, skip_special_tokens=True)):
        texts[place] = text
assert not any(name.split(".")[0] == "seq2seq" for name in sys.modules)
json.dump(texts, sys.stdout)
"""


def main(
    model: Annotated[Path, typer.Argument(help="Run folder or stock model folder.")],
    source: Annotated[Path, typer.Option(help="Text to translate, one segment a line.")],
    beams: Annotated[list[int], typer.Option(help="Beams; give several.")] = [1, 5],  # noqa: B006
) -> None:
    """Compare outputs, line by line; the exit code is 1 where any differs.

    Example: scripts/compare_with_stock runs/m --source data/multi30k/test_2016_flickr.en.gz
    """
    folder = model_folder(model)
    translator = Translator.load(folder)
    lines = read_lines(source)
    differing = 0
    for count in beams:
        options = DecodeOptions(beams=count, max_length_factor=0.0, max_length_offset=MOST_PIECES)
        ours = [one.text for one in translator.translate(lines, options, restore=False)]
        command = [sys.executable, "-c", STOCK, str(folder), str(count), str(MOST_PIECES)]
        answer = subprocess.run(
            command, input=json.dumps(lines), capture_output=True, text=True, check=True
        )
        theirs = [text.strip() for text in json.loads(answer.stdout)]
        pairs = zip(lines, ours, theirs, strict=True)
        different = [pair for pair in pairs if pair[1] != pair[2]]
        print(f"beams {count}: {len(lines) - len(different):,} of {len(lines):,} outputs are equal")
        for line, mine, other in different[:5]:
            print(f"  {line}\n    seq2seq: {mine}\n    stock:   {other}")
        differing += len(different)
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    typer.run(main)
