"""Strings: bytes inside, errors, hashes of every length, and ragged parts."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.ops import hashes


def test_tensors_hold_bytes() -> None:
    x = tf.constant(["a", "ü", b"\xff"])
    assert x.numpy().tolist() == [b"a", "ü".encode(), b"\xff"]
    assert (x == "ü").numpy().tolist() == [False, True, False]
    assert tf.constant("a").numpy() == b"a"
    assert (x + "!").numpy()[0] == b"a!" and ("<" + x).numpy()[0] == b"<a"
    with pytest.raises(TypeError):
        tf.constant(["a", None])


def test_graphs_give_what_eager_code_gives() -> None:
    def f(x):
        words = tf.strings.split(x)
        return words.values, words.row_splits, tf.strings.upper(x), tf.strings.length(x)

    x = tf.constant(["to be or", "", "not"])
    for a, b in zip(f(x), tf.function(f, autograph=False)(x), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_ragged_tensors_pass_functions() -> None:
    @tf.function(autograph=False)
    def double(r):
        return r.with_values(r.values * 2)

    rows = tf.ragged.constant([[1, 2], [], [3]])
    found = double(rows)
    assert isinstance(found, tf.RaggedTensor) and found.to_list() == [[2, 4], [], [6]]
    assert rows[-1].numpy().tolist() == [3] and len(rows) == 3
    assert [r.numpy().tolist() for r in rows[1:]] == [[], [3]]
    assert rows.shape.as_list() == [3, None] and rows.dtype == tf.int32
    nested = tf.strings.split([["a b", "c"], ["", "d"]])
    assert nested.ragged_rank == 2
    assert nested.to_list() == [[[b"a", b"b"], [b"c"]], [[], [b"d"]]]


@pytest.mark.parametrize("size", [0, 3, 7, 8, 16, 17, 32, 33, 64, 65, 128, 129, 200])
def test_buckets_are_below_their_number_and_depend_on_all_bytes(size: int) -> None:
    text = bytes(range(size))
    for hash in (hashes.fingerprint, hashes.murmur, lambda s: hashes.sip(s, (1, 2))):
        assert 0 <= hash(text) < 2**64
        if size:
            changed = text[:-1] + b"\xff"
            assert hash(text) != hash(changed)


def test_published_hashes() -> None:
    # SipHash-2-4 of bytes 0 to 14 under the key 0 to 15: from its authors' paper
    key = tuple(int.from_bytes(bytes(range(i, i + 8)), "little") for i in (0, 8))
    assert hashes.sip(bytes(range(15)), key) == 0xA129CA6149BE45E5
    assert hashes.fingerprint(b"") == 0x9AE16A3B2F90404F


MISTAKES = {
    "could not correctly convert string: x1": lambda: tf.strings.to_number("x1"),
    "could not correctly convert string: 3.5": lambda: tf.strings.to_number("3.5", tf.int32),
    "pos 5 out of range": lambda: tf.strings.substr("abc", 5, 1),
    "Invalid pattern": lambda: tf.strings.regex_replace("a", "(", "b"),
    "must be of dtype string": lambda: tf.strings.length([1, 2]),
    "the shapes of": lambda: tf.strings.join([["a"], ["b", "c"]]),
    "placeholder": lambda: tf.strings.format("{} {}", [1]),
    "num_buckets": lambda: tf.strings.to_hash_bucket_fast("a", 0),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_named(message: str) -> None:
    for call in (MISTAKES[message], tf.function(MISTAKES[message], autograph=False)):
        with pytest.raises(ValueError, match=message.replace("(", r"\(")):
            call()
