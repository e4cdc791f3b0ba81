"""Records: known checksums, what is written is read, every damage is noticed."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.errors import DataLossError
from graphc.formats import records
from graphc.formats.records import crc32c, framed, read_records


def test_known_checksums() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720, B.4
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(b"") == 0


@given(st.binary(min_size=1, max_size=64), st.integers(1000, 3000))
def test_long_data_has_the_checksum_that_its_bytes_one_by_one_have(part: bytes, times: int) -> None:
    data = part * times
    assert crc32c(data) == records._crc(data, 0xFFFFFFFF) ^ 0xFFFFFFFF


def test_a_record_as_tensorflow_writes_it() -> None:
    # the file that tf.io.TFRecordWriter of TensorFlow 2.21 writes for b"hello"
    assert framed(b"hello").hex() == "0500000000000000eab2043e68656c6c6fbb1f1c19"


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_what_is_written_is_read(written: list[bytes]) -> None:
    file = io.BytesIO(b"".join(map(framed, written)))
    assert list(read_records(file, "f")) == written


@given(st.binary(max_size=20), st.data())
def test_damage_is_noticed(record: bytes, data: st.DataObject) -> None:
    raw = bytearray(framed(record))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DataLossError, match="^f: (corrupted|truncated) record at 0"):
        list(read_records(io.BytesIO(bytes(raw)), "f"))
    cut = data.draw(st.integers(1, len(raw) - 1))
    with pytest.raises(DataLossError, match="^f: truncated record at 0"):
        list(read_records(io.BytesIO(framed(record)[:cut]), "f"))


@given(st.lists(st.binary(max_size=40), min_size=8, max_size=40))
def test_sums_of_many_are_those_of_each(parts: list[bytes]) -> None:
    assert records._crcs(parts) == [crc32c(part) for part in parts]


@given(st.integers(0, 599), st.integers(0, 7))
def test_records_before_a_damaged_one_are_read(number: int, bit: int) -> None:
    written = [bytes([i % 256]) * (i % 7 + 1) for i in range(600)]
    raw = bytearray(b"".join(map(framed, written)))
    at = sum(len(w) + 16 for w in written[:number])
    raw[at + 12] ^= 1 << bit
    read, found = [], iter(read_records(io.BytesIO(bytes(raw)), "f"))
    with pytest.raises(DataLossError, match=f"corrupted record at {at}: its data"):
        read.extend(found)
    assert read == written[:number]
