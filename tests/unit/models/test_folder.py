"""A model folder is loaded only when it is a whole model that scores as it did; a stranger's folder can do no harm."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from goldstream.errors import ModelError, ModelRefused, PluginError
from goldstream.models.folder import load_model, save_model
from goldstream.models.ngram_bag import NgramBag, NgramBagSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = NgramBag(("no", "yes"), NgramBagSettings(bits=12))
    model.fit(pa.array(["rain again", "new model", "more rain", "a model"]), np.eye(2, dtype=np.float32)[[0, 1, 0, 1]])
    save_model(model, tmp_path / "model", kind="ngram-bag", name="m", threshold=0.5, positive="yes", made_from={})
    return tmp_path / "model"


def change(folder: Path, file: str, **facts: Any) -> None:
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


def npy(shape: str, dtype: str = "<f4", data: bytes = b"") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + data


def test_a_whole_folder_loads(folder: Path) -> None:
    assert load_model(folder).labels == ("no", "yes")


def test_a_model_that_scores_otherwise_than_when_it_was_saved_is_refused(folder: Path) -> None:
    weights = np.load(folder / "weights.npy")
    np.save(folder / "weights.npy", weights + np.float32(0.01))
    with pytest.raises(ModelRefused, match="a golden text scores"):
        load_model(folder)


@pytest.mark.parametrize("golden", [[], [[0.5, 0.5]], [[0.5], [0.5, 0.5]], [[0.5, 0.5, 0.0]] * 16])
def test_golden_scores_of_another_shape_are_refused(folder: Path, golden: Any) -> None:
    change(folder, "model.json", golden=golden)
    with pytest.raises(ModelRefused, match="golden scores are missing or have another shape"):
        load_model(folder)


def test_weights_for_other_labels_are_refused(folder: Path) -> None:
    change(folder, "model.json", labels=["yes", "no"])
    with pytest.raises(ModelRefused, match="the weights are for no, yes, not for yes, no"):
        load_model(folder)


@pytest.mark.parametrize(
    "facts",
    [
        {"threshold": 2},
        {"positive": "maybe"},
        {"labels": ["no", "yes", "yes"]},
        {"format": 2},
        {"golden": "x"},
        {"labels": "ny"},
        {"name": "\x1b[31m"},
    ],
)
def test_facts_that_cannot_be_are_refused(folder: Path, facts: dict[str, Any]) -> None:
    change(folder, "model.json", **facts)
    with pytest.raises(ModelError):
        load_model(folder)


@pytest.mark.parametrize(
    "facts",
    [
        {"unseen": "x"}, {"unseen": -1}, {"unseen": 1e300}, {"unseen": None}, {"labels": "ny"}, {"labels": ["a", 1]},
        {"settings": {"bits": 60}}, {"settings": {"bits": -1}}, {"settings": []}, {"more": 1},
    ],
)  # fmt: skip
def test_facts_of_the_bag_that_cannot_be_are_refused(folder: Path, facts: dict[str, Any]) -> None:
    change(folder, "ngram_bag.json", **facts)
    with pytest.raises(ModelError):
        load_model(folder)


def test_a_kind_of_model_that_is_not_installed_is_named(folder: Path) -> None:
    change(folder, "model.json", type="os:system")
    with pytest.raises(PluginError, match="os:system"):
        load_model(folder)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x93NUMPY", b"not an array", npy("(4,)"), npy("(1099511627776, 2)"), npy("(2,)", "|O", b"\x80\x04K\x01."),
        npy("(2, 2)", "<f8", bytes(32)), npy("(" + "1," * 20_000 + ")"), npy("(-1, 2)"), npy("(2, 2)", "<f4", b"\xff" * 16),
    ],
    ids=["empty", "cut", "text", "too short", "a header of 8 TB", "pickle", "other type", "long header", "negative", "no numbers"],
)  # fmt: skip
def test_weights_that_are_none_are_refused_without_running_or_holding_them(folder: Path, data: bytes) -> None:
    (folder / "weights.npy").write_bytes(data)
    with pytest.raises(ModelError):
        load_model(folder)


def test_a_row_outside_of_the_table_is_refused(folder: Path) -> None:
    rows = np.load(folder / "rows.npy")
    rows[0] = 1 << 31
    np.save(folder / "rows.npy", rows)
    with pytest.raises(ModelError, match="another shape or type"):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "null", "{", '{"a":' * 100_000, "\xff", '{"threshold": NaN}'])
@pytest.mark.parametrize("file", ["model.json", "ngram_bag.json"])
def test_json_that_is_none_is_refused(folder: Path, file: str, text: str) -> None:
    (folder / file).write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError):
        load_model(folder)


def link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def outside(path: Path) -> None:
    path.symlink_to("../../../etc/passwd")


@pytest.mark.parametrize("make", [link, outside, os.mkfifo, Path.mkdir], ids=["endless", "outside", "pipe", "folder"])
@pytest.mark.parametrize("file", ["model.json", "weights.npy", "more.txt"])
def test_what_is_no_plain_file_is_not_opened(folder: Path, file: str, make: Callable[[Path], None]) -> None:
    (folder / file).unlink(missing_ok=True)
    make(folder / file)
    with pytest.raises(ModelError, match="is no plain file"):
        load_model(folder)


def test_a_folder_that_is_none_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not a model: it has no model\.json"):
        load_model(tmp_path)
    with pytest.raises(ModelError, match="is not a model: No such file"):
        load_model(tmp_path / "nowhere")
