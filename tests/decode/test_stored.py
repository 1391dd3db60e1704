"""What folders ask for, against `generate` of the stock class, which reads the same files."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForSeq2SeqLM

from seq2seq.decode.options import DecodeOptions
from seq2seq.decode.stored import stored_search
from seq2seq.errors import ModelError
from seq2seq.model.stock import save_model
from tests.decode.conftest import pad
from tests.decode.native import decode

SETTINGS: list[dict[str, Any]] = [
    {},
    {"num_beams": 4},
    {"num_beams": 4, "early_stopping": True, "length_penalty": 2.0},
    {"num_beams": 4, "early_stopping": "never"},
    {"num_beams": 3, "length_penalty": 0.0},
    {"min_length": 9},
    {"min_length": 9, "min_new_tokens": 5, "num_beams": 4},
    {"max_length": 6},
    {"max_length": 9, "max_new_tokens": 4, "num_beams": 4},
    {"bad_words_ids": [[20], [21, 22]], "num_beams": 4},
    {"suppress_tokens": [20, 24], "num_beams": 4},
    {"bad_words_ids": [[20]], "renormalize_logits": True, "num_beams": 4},
    {"forced_bos_token_id": 9, "num_beams": 4},
    {"no_repeat_ngram_size": 2, "num_beams": 4},
    {"num_beams": None, "max_length": None, "length_penalty": None},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", ["generation_config.json", "config.json"])
def test_outputs_are_those_of_generate_for_the_same_files(
    trained: Any, tmp_path: Path, settings: dict[str, Any], name: str
) -> None:
    save_model(trained.ours, tmp_path)
    config = trained.ours.config
    special = {
        "pad_token_id": config.pad_token_id,
        "eos_token_id": config.eos_token_id,
        "decoder_start_token_id": config.decoder_start_token_id,
        "bad_words_ids": [[config.pad_token_id]],
    }
    search = tmp_path / "generation_config.json"
    if name == search.name:
        search.write_text(json.dumps(special | settings), encoding="utf-8")
    else:  # as older folders have it
        search.unlink()
        content = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        (tmp_path / name).write_text(json.dumps(content | special | settings), encoding="utf-8")
    stock = AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    found = stored_search(tmp_path)
    assert (found.only_generate, found.not_followed) == ((), ())
    sources = [*trained.sources[:8], [5, 5, 5, 5, 5, 5, 5, config.eos_token_id]]
    given = pad(sources, config.pad_token_id)
    mask = (given != config.pad_token_id).long()
    theirs = stock.generate(input_ids=given, attention_mask=mask)[:, 1:].tolist()
    for row, ours in zip(theirs, decode(trained.ours, sources, found.options), strict=True):
        ids = [piece for piece in row if piece != config.pad_token_id]
        if not ours[0].ended and config.model_type == "marian":
            ids = ids[:-1]  # its forced_eos_token_id replaces the last piece
            assert list(ours[0].ids[:-1]) == ids
        else:
            assert list(ours[0].ids) == ids


def test_other_settings_make_other_searches(tmp_path: Path) -> None:
    found = []
    for settings in SETTINGS[:-1]:
        (tmp_path / "generation_config.json").write_text(json.dumps(settings), encoding="utf-8")
        found.append(stored_search(tmp_path).options)
    assert len(set(found)) == len(found)
    (tmp_path / "generation_config.json").write_text(json.dumps(SETTINGS[-1]), encoding="utf-8")
    assert stored_search(tmp_path).options == found[0]


def test_a_folder_that_asks_for_nothing_is_searched_greedily(tmp_path: Path) -> None:
    assert stored_search(tmp_path).options == DecodeOptions(beams=1, early_stopping=False)


@pytest.mark.parametrize(
    ("settings", "only_generate", "not_followed"),
    [
        ({"repetition_penalty": 1.2}, ("repetition_penalty 1.2",), ()),
        ({"encoder_no_repeat_ngram_size": 3}, ("encoder_no_repeat_ngram_size 3",), ()),
        ({"begin_suppress_tokens": [4]}, ("begin_suppress_tokens [4]",), ()),
        ({"eos_token_id": [2, 7]}, ("eos_token_id [2, 7]",), ()),
        ({"decoder_start_token_id": 5}, ("decoder_start_token_id 5",), ()),
        ({"do_sample": True, "top_k": 9}, (), ("do_sample True",)),
        ({"num_beam_groups": 2, "diversity_penalty": 0.5}, (),
         ("num_beam_groups 2", "diversity_penalty 0.5")),
        ({"num_return_sequences": 3}, (), ("num_return_sequences 3",)),
        # these ask for nothing, or for what is so anyway
        ({"repetition_penalty": 1, "do_sample": False, "num_beam_groups": 1, "use_cache": True,
          "eos_token_id": [2], "encoder_no_repeat_ngram_size": 0, "forced_eos_token_id": 2},
         (), ()),
    ],
)  # fmt: skip
def test_what_is_not_followed_is_named(
    settings: dict[str, Any], only_generate: tuple[str, ...], not_followed: tuple[str, ...],
    tmp_path: Path,
) -> None:  # fmt: skip
    config = {"eos_token_id": 2, "decoder_start_token_id": 2}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "generation_config.json").write_text(json.dumps(settings), encoding="utf-8")
    found = stored_search(tmp_path)
    assert (found.only_generate, found.not_followed) == (only_generate, not_followed)
    assert bool(found.remarks("native")) == bool(only_generate or not_followed)
    assert bool(found.remarks("transformers")) == bool(not_followed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"generation_config.json: not JSON .*; restore or download it again"),
        ("[]", r"generation_config.json: holds a list instead of an object"),
        ('{"num_beams": "5", "max_length": 0}',
         r"num_beams is '5', max_length is 0, needed what 'generate' takes; correct it"),
        ('{"bad_words_ids": [[]]}', r"bad_words_ids is \[\[\]\], needed"),
    ],
)  # fmt: skip
def test_damaged_settings_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        stored_search(tmp_path)
