"""Exports in processes that never import seq2seq: other programs' own calls, our outputs."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seq2seq.decode.options import DecodeOptions
from seq2seq.families import Family
from seq2seq.publish.export import MODEL_FILES
from seq2seq.publish.export_check import Target
from seq2seq.tokenizer import Tokenizer
from seq2seq.translate import Translator
from tests.publish.small_models import POSITIONS, random_text, small_folder
from tests.publish.whole_export import whole_export
from tests.warm import Warm

pytestmark = pytest.mark.xdist_group("exports")
LINES = [*random_text(20, seed=8), "an owl \N{SNOWMAN} & <s> </s> \u00e9"]

BEGIN = """
import json, sys
from transformers import AutoTokenizer
import transformers
limit = int(sys.argv[1])
lines, found = json.load(sys.stdin), []
"""
OPEN = """
folder, texts = {!r}, []
tokenizer = AutoTokenizer.from_pretrained(folder)
found.append(texts)
"""
END = """
assert not any(name.split(".")[0] == "seq2seq" for name in sys.modules)
print(json.dumps({"transformers": transformers.__version__, "found": found}))
"""
STOCK = """
from transformers import AutoModelForSeq2SeqLM
model = AutoModelForSeq2SeqLM.from_pretrained(folder)
model.generation_config.forced_eos_token_id = None  # forces an end where ours is cut off
batch = tokenizer(lines, return_tensors="pt", padding=True)
for beams in (1, 4):
    ids = model.generate(**batch, num_beams=beams, early_stopping=beams > 1, max_length=limit + 1)
    texts.append(tokenizer.batch_decode(ids, skip_special_tokens=True))
"""
CTRANSLATE2 = """
import ctranslate2
translator = ctranslate2.Translator(folder, device="cpu", intra_threads=1)
for beams in (1, 4):
    outputs = translator.translate_batch(
        [tokenizer.convert_ids_to_tokens(ids) for ids in tokenizer(lines).input_ids],
        beam_size=beams, max_decoding_length=limit, min_decoding_length=0,
    )
    ids = [tokenizer.convert_tokens_to_ids(one.hypotheses[0]) for one in outputs]
    texts.append(tokenizer.batch_decode(ids, skip_special_tokens=True))
"""
ONNX = """
import numpy, onnxruntime
encoder, first, following = (
    onnxruntime.InferenceSession(f"{folder}/{name}.onnx")
    for name in ("encoder_model", "decoder_model", "decoder_with_past_model")
)
config = json.load(open(f"{folder}/config.json"))
pasts = [one.name for one in following.get_inputs()[2:]]
presents = [one.name.replace("present", "past_key_values") for one in following.get_outputs()[1:]]
greedy = []
for line in lines:
    batch = tokenizer([line], return_tensors="np")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    memory = encoder.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    piece = numpy.array([[config["decoder_start_token_id"]]])
    logits, *cache = first.run(None, {"encoder_attention_mask": mask, "input_ids": piece,
                                      "encoder_hidden_states": memory})
    past, taken = dict(zip(pasts, cache)), []
    while True:
        logits[:, :, config["pad_token_id"]] = -numpy.inf
        piece = logits[:, -1].argmax(-1)[:, None]
        taken.append(int(piece[0, 0]))
        if taken[-1] == config["eos_token_id"] or len(taken) == limit:
            break
        logits, *cache = following.run(
            None, {"encoder_attention_mask": mask, "input_ids": piece, **past}
        )
        past.update(zip(presents, cache))
    greedy.append(tokenizer.decode(taken, skip_special_tokens=True))
texts.append(greedy)
"""
BEAMS = (1, 4)
FAMILIES: tuple[Family, ...] = ("m2m_100", "marian")
PROGRAMS: dict[Target, tuple[str, tuple[int, ...]]] = {
    "hub": (STOCK, BEAMS),
    "ctranslate2": (CTRANSLATE2, BEAMS),
    "onnx": (ONNX, BEAMS[:1]),
}


def run_elsewhere(
    warm: Warm, programs: Sequence[tuple[str, Path]], *, path: str = ""
) -> dict[str, Any]:
    """What programs write of folders, with each number of beams that they know."""
    parts = [OPEN.format(str(folder)) + program for program, folder in programs]
    answer = warm.run(
        ("-c", BEGIN + "".join(parts) + END, str(POSITIONS - 1)),
        environment={"PYTHONPATH": path},
        text=json.dumps(LINES),
        folder=programs[0][1],
    )
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout))


def ours(folder: Path, beams: tuple[int, ...]) -> list[list[str]]:
    translator, length = Translator.load(folder), POSITIONS - 1
    return [
        [one.text for one in translator.translate(LINES, options)]
        for options in (
            DecodeOptions(beams=count, max_length_factor=0, max_length_offset=length)
            for count in beams
        )
    ]


def stripped(texts: list[list[str]]) -> list[list[str]]:
    return [[text.strip() for text in some] for some in texts]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_other_programs_write_what_we_write(family: Family, warm: Warm) -> None:
    pytest.importorskip("ctranslate2")
    pytest.importorskip("onnxruntime")
    folders = [whole_export(family, target).folder for target in PROGRAMS]
    models = [folder.parent / "model" for folder in folders]
    assert len({(model / "model.safetensors").read_bytes() for model in models}) == 1
    expected = ours(models[0], BEAMS)
    programs = [program for program, _ in PROGRAMS.values()]
    found = run_elsewhere(warm, list(zip(programs, folders, strict=True)))["found"]
    for (target, (_, beams)), texts in zip(PROGRAMS.items(), found, strict=True):
        assert stripped(texts) == expected[: len(beams)], target


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_transformers_4_writes_what_we_write(family: Family, warm: Warm, tmp_path: Path) -> None:
    """SEQ2SEQ_TF4 names a folder made by ``pip install --no-deps --target FOLDER
    "transformers==4.57.*" "huggingface_hub==0.36.*" "tokenizers==0.22.*"`` and then
    ``pip install --target FOLDER requests``."""
    place = os.environ.get("SEQ2SEQ_TF4")
    if not place:
        pytest.skip("SEQ2SEQ_TF4 names no folder with transformers 4")
    model = small_folder(family, tmp_path / "model")
    assert {path.name for path in model.iterdir()} == {*MODEL_FILES, *Tokenizer.file_names}
    answer = run_elsewhere(warm, [(STOCK, model)], path=place)
    assert answer["transformers"].startswith("4.")
    assert stripped(answer["found"][0]) == ours(model, BEAMS)
