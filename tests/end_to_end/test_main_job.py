"""The main job on a task with a known answer, and its product in the hands of stock programs."""

import json
from pathlib import Path

import pytest

from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import RecipeError
from seq2seq.run import Run
from seq2seq.train.run import TrainResult, train
from seq2seq.translate import Translator
from tests.end_to_end.digits import digits_recipe, write_digits
from tests.warm import Warm

BEAMS = (1, 4)
TRAIN = """
steps = 400
batch_tokens = 1024
warmup_steps = 80
peak_lr = 0.007
schedule = "linear"
validate_every_steps = 100
save_every_steps = 200
precision = "fp32"
"""
# Loads the folder with stock classes alone; prints what they make of the lines on stdin with each
# number of beams.
STOCK = """
import json, sys
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
folder, texts = sys.argv[1], []
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSeq2SeqLM.from_pretrained(folder)
lines = sys.stdin.read().splitlines()
batch = tokenizer(lines, return_tensors="pt", padding=True)
for beams in map(int, sys.argv[2:]):
    search = {"num_beams": beams, "early_stopping": beams > 1}
    ids = model.generate(**batch, **search, max_new_tokens=40, max_length=None)
    texts.append(tokenizer.batch_decode(ids, skip_special_tokens=True))
assert not any(name.startswith("seq2seq") for name in sys.modules)
print(json.dumps(texts))
"""


@pytest.fixture(scope="module", params=["m2m_100", "marian"])
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, train=3000, held_out=60, longest=4)
    recipe = folder / "digits.toml"
    text = digits_recipe(folder, tokenizer="vocab_size = 32", train=TRAIN)
    text = text.replace("width = 32", f'width = 64\nfamily = "{request.param}"')
    recipe.write_text(text, encoding="utf-8")
    return train(recipe, run_folder=folder / "run")


@pytest.mark.slow
def test_digits_are_learnt_and_everything_is_written_down(result: TrainResult) -> None:
    assert result.finished is not None
    assert result.finished.reports["digits"].scores["bleu"].value > 90
    scores = json.loads(result.run.scores.read_text())
    assert "version:" in scores["test"]["digits"]["bleu"]["signature"]
    environment = json.loads(result.run.environment.read_text())
    assert environment["versions"]["torch"]
    assert result.run.read_recipe().train.steps == 400
    data = json.loads(result.run.data_report.read_text())
    assert data["pairs"] == 3000
    assert "digits" in result.to_text()


@pytest.mark.slow
def test_stock_classes_produce_the_same_without_seq2seq(result: TrainResult, warm: Warm) -> None:
    sources = Path(result.run.read_recipe().data.folder, "test.tsv").read_text().splitlines()
    lines = [line.split("\t")[0] for line in sources]
    program = ("-c", STOCK, result.run.best, *map(str, BEAMS))
    answer = warm.run(program, text="\n".join(lines))
    assert answer.returncode == 0, answer.stderr
    translator = Translator.load(result.run.folder)
    for beams, texts in zip(BEAMS, json.loads(answer.stdout), strict=True):
        options = DecodeOptions(beams=beams, max_length_factor=0.0, max_length_offset=40)
        ours = [one.text for one in translator.translate(lines, options)]
        # a translation is a line, without the space that a last piece may bring
        assert [text.strip() for text in texts] == ours, beams


@pytest.mark.slow
def test_a_second_run_in_the_same_folder_is_refused(result: TrainResult) -> None:
    with pytest.raises(RecipeError, match="holds a run already; continue it with --resume"):
        train(result.run.recipe_given, run_folder=result.run.folder)


@pytest.mark.slow
def test_resuming_a_finished_run_trains_no_further(result: TrainResult) -> None:
    before = (result.run.best / "model.safetensors").read_bytes()
    again = train(result.run.recipe_given, run_folder=result.run.folder, resume=True)
    assert again.progress.step == 400
    assert (Run(result.run.folder).best / "model.safetensors").read_bytes() == before
