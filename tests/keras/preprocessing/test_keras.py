"""Everything as Keras itself gives it, from the same seeds (see record.py)."""

from __future__ import annotations

import json

import numpy as np
import pytest

from graphc.keras.preprocessing import image, sequence, text
from tests.keras.preprocessing import record

WANTED = json.loads(record.FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def found():
    return record.results(image, sequence, text)


@pytest.mark.parametrize("part", WANTED)
def test_as_keras(part: str, found) -> None:
    _compare(found[part], WANTED[part], part)


def _compare(found, wanted, where: str) -> None:
    if isinstance(wanted, dict):
        assert list(found) == list(wanted), where
        for key, value in wanted.items():
            _compare(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list) and wanted and isinstance(wanted[0], list | dict):
        assert len(found) == len(wanted), where
        for i, value in enumerate(wanted):
            _compare(found[i], value, f"{where}[{i}]")
    elif isinstance(wanted, list) and all(isinstance(w, int | float) for w in wanted):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=0.02, err_msg=where)
    else:
        assert found == wanted, where
