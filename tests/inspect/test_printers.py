"""Every printer gives its golden text; pictures and HTML are static and well formed."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.inspect.printers import GOLDEN, PRINTERS, printed


@pytest.mark.parametrize("name", PRINTERS)
def test_prints_what_it_should(name: str) -> None:
    wanted = (GOLDEN / name).read_text(encoding="utf-8")
    assert printed(name) == wanted, "if this is meant: python -m tests.inspect.printers"


@pytest.mark.parametrize("name", [n for n in PRINTERS if n.endswith((".svg", ".html"))])
def test_pictures_are_static(name: str) -> None:
    text = printed(name)
    ElementTree.fromstring(f"<div>{text}</div>")
    assert "<script" not in text and "href" not in text and " style=" not in text
    assert text.replace("http://www.w3.org/2000/svg", "").count("http") == 0


def test_no_golden_text_is_left_over() -> None:
    assert {p.name for p in GOLDEN.iterdir()} == set(PRINTERS)
