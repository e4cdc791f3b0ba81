"""Every name of TensorFlow's tensor library is there, or the documents say that it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphc as tf
from tests.namespaces.names import find, names
from tests.namespaces.table import table, written

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def missing() -> str:
    return DOCUMENT.read_text(encoding="utf-8").partition("## Missing")[2]


@pytest.mark.parametrize("name", names())
def test_names_are_there_or_said_to_be_missing(name: str) -> None:
    assert (find(tf, name) is None) == (f"`{name}`" in missing())


def test_the_table_of_the_document_is_current() -> None:
    assert written() == table(), "python -m tests.namespaces.table writes it anew"
