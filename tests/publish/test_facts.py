"""What a card is written from, where the files of a run are not what they should be."""

import os

import pytest

from seq2seq.errors import PublishError
from seq2seq.publish.facts import count_weights


def test_a_pipe_in_the_place_of_weights_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(PublishError, match=r"a pipe or a device.*needed a safetensors file"):
        count_weights(tmp_path / "model.safetensors")
