"""Messages: bytes as the protocol buffer library writes them; damage is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.formats.wire import Float, Packed, fields, message, read_varint, varint


def test_bytes_of_known_messages() -> None:
    # the examples of https://protobuf.dev/programming-guides/encoding
    assert message((1, 150)) == bytes.fromhex("089601")
    assert message((2, "testing")) == bytes.fromhex("120774657374696e67")
    assert message((6, Packed([3, 270, 86942]))) == bytes.fromhex("3206038e029ea705")
    assert message((3, message((1, 150)))) == bytes.fromhex("1a03089601")
    assert message((1, -1)) == bytes.fromhex("08" + "ff" * 9 + "01")
    assert message((1, 1.0), (2, None), (3, Float(1.0))) == bytes.fromhex(
        "09000000000000f03f" + "1d0000803f"
    )
    assert message((4, Packed([1.0, 2.0], "f"))) == bytes.fromhex("22080000803f00000040")


@given(st.integers(0, 2**64 - 1))
def test_numbers_come_back(value: int) -> None:
    raw = varint(value)
    assert read_varint(raw, 0) == (value, len(raw))


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 2**63) | st.binary(max_size=9))))
def test_fields_come_back(written: list[tuple[int, int | bytes]]) -> None:
    assert list(fields(message(*written))) == written


def test_what_is_no_message_is_refused() -> None:
    for raw in ("0896", "1207746573", "0b", "09000000"):
        with pytest.raises(ValueError, match=r"cut off|unknown kind"):
            list(fields(bytes.fromhex(raw)))
