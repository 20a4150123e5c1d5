"""The stored form of a sequence model: written with safetensors, read with numpy, never trusted."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from similarity.exceptions import ArtefactError, TrainingError
from similarity.shoppers.artefact import SequenceConfig, read_artefact, shapes
from similarity.shoppers.training.saving import prune_weights, write_artefact
from tests.shoppers.data import random_weights

CONFIG = SequenceConfig(dim=8, blocks=1, heads=2, hidden=16, length=5, content_dim=4)
WEIGHTS = random_weights(CONFIG)
DATA = write_artefact(CONFIG, WEIGHTS)


def test_weights_and_config_come_back():
    config, weights = read_artefact(DATA)
    assert config == CONFIG
    assert weights.keys() == WEIGHTS.keys() == shapes(CONFIG).keys()
    for name, weight in weights.items():
        assert np.array_equal(weight, WEIGHTS[name])


def test_8_bits_take_a_quarter_and_keep_each_value_to_half_a_step():
    large = SequenceConfig(content_dim=128)
    weights = random_weights(large)
    small = write_artefact(large, weights, int8=True)
    assert len(small) < 0.3 * len(write_artefact(large, weights))
    for name, weight in read_artefact(small)[1].items():
        step = np.abs(weights[name]).max(axis=-1, keepdims=True) / 127
        assert (np.abs(weight - weights[name]) <= 0.501 * step + 1e-7).all()


def test_a_row_of_zeros_stays_zero_in_8_bits():
    weights = {**WEIGHTS, "kind.weight": np.zeros_like(WEIGHTS["kind.weight"])}
    stored = read_artefact(write_artefact(CONFIG, weights, int8=True))[1]
    assert not stored["kind.weight"].any()


def test_pruning_cuts_the_smallest_weights_of_each_matrix():
    pruned = prune_weights(WEIGHTS, 0.5)
    for name, weight in pruned.items():
        kept = weight != 0
        if weight.ndim == 2:
            assert 0.45 <= kept.mean() <= 0.55
            assert np.abs(WEIGHTS[name][kept]).min() >= np.abs(WEIGHTS[name][~kept]).max()
        else:
            assert np.array_equal(weight, WEIGHTS[name])
    with pytest.raises(TrainingError, match=r"1\.0"):
        prune_weights(WEIGHTS, 1.0)


@pytest.mark.parametrize("length", [0, 7, 8, 100, len(DATA) - 1])
def test_a_file_that_is_cut_short_is_refused(length):
    with pytest.raises(ArtefactError):
        read_artefact(DATA[:length])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_read_but_never_another_error(place, value):
    changed = bytearray(DATA)
    changed[place] = value
    try:
        _config, weights = read_artefact(bytes(changed))
    except ArtefactError:
        return
    assert all(np.isfinite(weight).all() for weight in weights.values())


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data):
    with pytest.raises(ArtefactError):
        read_artefact(data)


def with_header(change) -> bytes:
    length = int.from_bytes(DATA[:8], "little")
    header = json.loads(DATA[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + DATA[8 + length :]


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["last.bias"].update(data_offsets=[0, 10**12]),
        lambda header: header["last.bias"].update(data_offsets=[-32, 0]),
        lambda header: header["last.bias"].update(shape=[-8]),
        lambda header: header["last.bias"].update(shape=[2**70]),
        lambda header: header["last.bias"].update(dtype="F64"),
        lambda header: header.pop("last.bias"),
        lambda header: header.update({"other": header["last.bias"]}),
        lambda header: header["__metadata__"].update(format="similarity-sequence-0"),
        lambda header: header["__metadata__"].update(config='{"dim": "8"}'),
        lambda header: header["__metadata__"].update(config='{"dims": 8}'),
        lambda header: header["__metadata__"].update(config='{"dim": 1000000000}'),
        lambda header: header["__metadata__"].update(config='{"heads": 0}'),
        lambda header: header.update(__metadata__=[]),
    ],
)
def test_a_header_that_lies_is_refused(change):
    with pytest.raises(ArtefactError):
        read_artefact(with_header(change))


def test_values_that_are_no_numbers_are_refused():
    broken = {**WEIGHTS, "last.bias": np.full(8, np.nan, np.float32)}
    with pytest.raises(ArtefactError, match="no numbers"):
        read_artefact(write_artefact(CONFIG, broken))


def test_8_bits_without_their_scale_are_refused():
    data = write_artefact(CONFIG, WEIGHTS, int8=True)
    with pytest.raises(ArtefactError, match="scale"):
        read_artefact(data.replace(b"kind.weight.scale", b"kind.weight.scalf"))


READ = """
import sys
from similarity.shoppers import artefact, sequence_numpy
artefact.read_artefact(open(sys.argv[1], "rb").read())
print([name for name in ("torch", "safetensors", "scipy") if name in sys.modules])
"""


def test_reading_needs_numpy_alone(tmp_path):
    """A web machine has neither torch nor safetensors."""
    (tmp_path / "model").write_bytes(DATA)
    finished = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert finished.stdout == "[]\n", finished.stderr
