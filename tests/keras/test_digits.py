"""The shipped digits are UCI's, and their split is stable and fair."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from graphc.keras.datasets import digits

# Of all images and labels as uint8, in the order of the source (scikit-learn's load_digits).
SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def test_the_file_holds_the_source_unaltered() -> None:
    with np.load(digits._FILE) as archive:
        content = archive["images"].tobytes() + archive["labels"].tobytes()
    assert hashlib.sha256(content).hexdigest() == SHA256


def test_shapes_and_values() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1438, 8, 8) and x_test.shape == (359, 8, 8)
    assert x_train.dtype == np.uint8 and y_train.dtype == np.int64
    assert x_train.min() == 0 and x_train.max() == 16
    assert set(y_test) == set(range(10))
    assert len(y_train) == len(x_train) and len(y_test) == len(x_test)


def test_each_class_gives_the_same_fraction() -> None:
    (_, y_train), (_, y_test) = digits.load_data(test_fraction=0.25)
    fractions = np.bincount(y_test) / (np.bincount(y_test) + np.bincount(y_train))
    np.testing.assert_allclose(fractions, 0.25, atol=0.003)


def test_the_split_depends_on_the_seed_alone() -> None:
    (first, _), _ = digits.load_data(seed=3)
    (again, _), _ = digits.load_data(seed=3)
    (other, _), _ = digits.load_data(seed=4)
    assert (first == again).all() and not (first == other).all()


def test_nothing_is_lost_or_doubled() -> None:
    (x_train, _), (x_test, _) = digits.load_data(test_fraction=0.5)
    (everything, _), (nothing, _) = digits.load_data(test_fraction=0)
    assert len(nothing) == 0 and len(everything) == 1797
    rows = sorted(image.tobytes() for image in np.concatenate([x_train, x_test]))
    assert rows == sorted(image.tobytes() for image in everything)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_a_bad_fraction_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="test_fraction must be at least 0 and below 1"):
        digits.load_data(test_fraction=fraction)
