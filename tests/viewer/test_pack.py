"""Packed maps hold what they promise."""

import base64
import zlib

import numpy as np

from seq2seq.viewer.pack import pack, unpack
from tests.viewer.sample_page import random_maps


def test_weights_come_back_to_within_half_a_step_of_their_square_root() -> None:
    maps = random_maps((2, 3, 20, 20))
    back = unpack(pack(maps), maps.shape)
    assert np.abs(np.sqrt(back) - np.sqrt(maps)).max() <= 0.5 / 255 + 1e-6
    assert np.abs(back - maps)[maps < 1 / 64].max() < 0.0006


def test_zero_and_one_are_exact() -> None:
    maps = np.eye(5, dtype=np.float32)
    assert (unpack(pack(maps), (5, 5)) == maps).all()


def test_a_byte_holds_a_weight_and_the_stream_has_no_header() -> None:
    content = zlib.decompress(base64.b64decode(pack(np.array([[0.25, 0.75]]))), wbits=-15)
    assert list(content) == [128, 221]  # 255 times the root of each, rounded


def test_maps_written_as_a_difference_come_back_whole_where_they_grow_and_where_they_shrink() -> (
    None
):
    maps, base = random_maps((2, 3, 20, 20)), random_maps((2, 3, 20, 20), seed=1)
    assert (maps > base).any()
    assert (maps < base).any()
    assert (unpack(pack(maps, base), maps.shape, base) == unpack(pack(maps), maps.shape)).all()


def test_what_hardly_differs_takes_hardly_any_room() -> None:
    base = random_maps((3, 4, 20, 20))
    maps = base.copy()
    maps[1, 2, 7] = np.eye(20)[3]
    assert len(pack(maps, base)) < len(pack(maps)) / 20
