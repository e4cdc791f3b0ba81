"""The UCI handwritten digits: 1,797 real images of 8x8 pixels in ten classes.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (1998), UCI Machine
Learning Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0 (see NOTICE.md).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["load_data"]

Arrays = tuple[np.ndarray, np.ndarray]

_FILE = Path(__file__).with_name("digits.npz")


def load_data(test_fraction: float = 0.2, seed: int = 1) -> tuple[Arrays, Arrays]:
    """Return `(x_train, y_train), (x_test, y_test)`, shuffled and split class by class.

    Images are `u8[n, 8, 8]` with values from 0 (paper) to 16 (ink), as the source has them; labels
    are `i64[n]`. Each class gives the same fraction of its images to the test part, and the same
    `seed` always gives the same split.

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_train.dtype, y_test.shape
    ((1438, 8, 8), dtype('uint8'), (359,))
    """
    if not 0.0 <= test_fraction < 1.0:
        raise ValueError(f"test_fraction must be at least 0 and below 1, not {test_fraction!r}")
    with np.load(_FILE) as archive:
        images, labels = archive["images"], archive["labels"].astype(np.int64)
    train, test = _stratified(labels, test_fraction, seed)
    return (images[train], labels[train]), (images[test], labels[test])


def _stratified(labels: np.ndarray, test_fraction: float, seed: int) -> Arrays:
    """Return shuffled indices of the training and of the test part."""
    # RandomState's streams are frozen by numpy's policy; default_rng's may change with a release.
    random = np.random.RandomState(seed)
    train, test = [], []
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        cut = round(test_fraction * len(members))
        test.append(members[:cut])
        train.append(members[cut:])
    return random.permutation(np.concatenate(train)), random.permutation(np.concatenate(test))
