"""Each test begins and ends without a default writer."""

from __future__ import annotations

import pytest

from graphc.summary import writer


@pytest.fixture(autouse=True)
def no_default_writer(monkeypatch) -> None:
    monkeypatch.setattr(writer, "_state", writer._State())
