"""Types, sizes and elements are TensorFlow's, as `record.py` has recorded them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphc as tf
from tests.data.cases import CASES, describe, write_files, write_records
from tests.data.record import RECORDED

EXPECTED = json.loads(RECORDED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    made = str(tmp_path_factory.mktemp("files"))
    write_files(made)
    write_records(tf, made)
    return made


def test_all_cases_are_recorded() -> None:
    assert set(EXPECTED) == {*CASES, "records"}


@pytest.mark.parametrize("case", CASES)
def test_dataset(case, folder) -> None:
    assert describe(tf, np, case, folder) == EXPECTED[case]


def test_records_are_written_as_tensorflow_writes_them(tmp_path) -> None:
    assert write_records(tf, str(tmp_path)).hex() == EXPECTED["records"]
