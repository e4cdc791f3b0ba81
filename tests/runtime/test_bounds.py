"""Kernels of convolution, pooling and products stay inside of their arrays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.runtime.guarded import PARTS


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs pages that can be forbidden")
@pytest.mark.parametrize("part", PARTS)
def test_nothing_outside_is_touched(part: str) -> None:
    answer = subprocess.run([sys.executable, "-X", "faulthandler", "-m", "tests.runtime.guarded",
                             part], capture_output=True, text=True)  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-2000:]
