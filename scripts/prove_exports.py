"""Publish a run to the in-memory Hub of the tests, and let strangers translate a file with it.

Three processes that never import seq2seq load what lies there or what was exported: stock classes
from the Hub, CTranslate2, and onnxruntime. All search greedily; every line is compared with ours.
The run must have been exported to hub, ctranslate2 and onnx. See ``--help``.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from seq2seq.decode.options import DecodeOptions  # noqa: E402
from seq2seq.lines import read_lines  # noqa: E402
from seq2seq.run import Run  # noqa: E402
from seq2seq.translate import Translator  # noqa: E402
from tests.hub.server import HubServer  # noqa: E402

NAME = "tester/proof"
MOST_PIECES = 128
FRAME = """
import json, sys
name, folder, most, lines = json.load(sys.stdin)
def batches(size=64):
    order = sorted(range(len(lines)), key=lambda place: len(lines[place]))
    return [order[start : start + size] for start in range(0, len(order), size)]
texts = [""] * len(lines)
{work}
assert not any(module.split(".")[0] == "seq2seq" for module in sys.modules)
json.dump([text.strip() for text in texts], sys.stdout)
"""
STOCK = """
import torch, transformers
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
sys.stderr.write(f"transformers {transformers.__version__}\\n")
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForSeq2SeqLM.from_pretrained(name).eval()
for places in batches():
    batch = tokenizer([lines[place] for place in places], return_tensors="pt", padding=True)
    with torch.inference_mode():
        ids = model.generate(**batch, num_beams=1, no_repeat_ngram_size=0, max_new_tokens=most,
                             max_length=None)
    for place, text in zip(places, tokenizer.batch_decode(ids, skip_special_tokens=True)):
        texts[place] = text
"""
CTRANSLATE2 = """
import ctranslate2
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
translator = ctranslate2.Translator(folder)
pieces = [encoding.tokens for encoding in tokenizer.encode_batch(lines)]
results = translator.translate_batch(
    pieces, beam_size=1, max_decoding_length=most, min_decoding_length=0, max_batch_size=64)
for place, result in enumerate(results):
    ids = [tokenizer.token_to_id(piece) for piece in result.hypotheses[0]]
    texts[place] = tokenizer.decode(ids, skip_special_tokens=True)
"""
ONNX = """
import numpy, onnxruntime
from pathlib import Path
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
config = json.loads(Path(folder, "config.json").read_text())
generation = json.loads(Path(folder, "generation_config.json").read_text())
pad, end, start = (config[f"{key}_token_id"] for key in ("pad", "eos", "decoder_start"))
never = [row[0] for row in generation.get("bad_words_ids") or []]
graphs = Path(folder).glob("*.onnx")
graphs = {path.stem: onnxruntime.InferenceSession(str(path)) for path in graphs}
def call(name, known):
    graph = graphs[name]
    wanted = {one.name: known[one.name] for one in graph.get_inputs()}
    return dict(zip([one.name for one in graph.get_outputs()], graph.run(None, wanted)))
for places in batches():
    rows = [encoding.ids for encoding in tokenizer.encode_batch([lines[p] for p in places])]
    ids = numpy.full((len(rows), max(map(len, rows))), pad)
    for row, given in zip(ids, rows):
        row[: len(given)] = given
    known = {"input_ids": ids, "attention_mask": (ids != pad).astype(numpy.int64)}
    known["encoder_hidden_states"] = call("encoder_model", known)["last_hidden_state"]
    known["encoder_attention_mask"] = known["attention_mask"]
    known["input_ids"], graph = numpy.full((len(rows), 1), start), "decoder_model"
    written, open_ = [], numpy.ones(len(rows), bool)
    while open_.any() and len(written) < most:
        found = call(graph, known)
        scores = found["logits"][:, -1]
        scores[:, never] = -numpy.inf
        last = numpy.where(open_, scores.argmax(1), pad)
        open_ &= last != end
        written.append(last)
        known |= {key.replace("present", "past_key_values"): value for key, value in found.items()}
        known["input_ids"], graph = last[:, None], "decoder_with_past_model"
    for place, row in zip(places, numpy.stack(written, 1)):
        texts[place] = tokenizer.decode(row.tolist(), skip_special_tokens=True)
"""


def main(
    run: Annotated[Path, typer.Argument(help="A finished run folder, exported three ways.")],
    source: Annotated[Path, typer.Option(help="Text to translate, one segment a line.")],
    license: Annotated[
        str | None, typer.Option(help="Of the model, if its data name none.")
    ] = None,
    python: Annotated[
        list[Path] | None,
        typer.Option(help="Also a Python of another environment, such as transformers 4.57's."),
    ] = None,
) -> None:
    """Say how many lines each stranger translates as we do; the exit code is 1 if not all.

    Example: scripts/prove_exports runs/demo --source corpora/T0.en
    """
    lines = read_lines(source)
    options = DecodeOptions(beams=1, max_length_factor=0.0, max_length_offset=MOST_PIECES)
    ours = [
        one.text for one in Translator.load(Run(run).best).translate(lines, options, restore=False)
    ]
    exports = Run(run.resolve()).exports
    strangers = {"stock classes, from the Hub": (sys.executable, STOCK, "hub")}
    strangers["CTranslate2"] = (sys.executable, CTRANSLATE2, "ctranslate2")
    strangers["onnxruntime"] = (sys.executable, ONNX, "onnx")
    for other in python or ():
        strangers[f"stock classes, from the Hub, by {other}"] = (str(other), STOCK, "hub")
    differing = 0
    with HubServer() as hub, tempfile.TemporaryDirectory() as home:
        environment = os.environ | hub.environment(Path(home))
        publish = [sys.executable, "-m", "seq2seq", "publish", str(run), NAME]
        publish += ["--license", license] if license else []
        subprocess.run(publish, check=True, env=environment, stdout=subprocess.DEVNULL)
        for name, (program, work, folder) in strangers.items():
            given = json.dumps([NAME, str(exports / folder), MOST_PIECES, lines])
            clean = {key: value for key, value in environment.items() if key != "PYTHONPATH"}
            answer = subprocess.run(
                [program, "-c", FRAME.replace("{work}", work)],
                input=given, stdout=subprocess.PIPE, text=True, check=True, env=clean, cwd=home,
            )  # fmt: skip
            theirs = json.loads(answer.stdout)
            wrong = [trio for trio in zip(lines, ours, theirs, strict=True) if trio[1] != trio[2]]
            print(f"{name}: {len(lines) - len(wrong):,} of {len(lines):,} outputs are equal")
            for line, mine, other in wrong[:3]:
                print(f"  {line}\n    seq2seq: {mine}\n    theirs:  {other}")
            differing += len(wrong)
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    typer.run(main)
