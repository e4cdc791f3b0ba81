"""Intersection over union of segmentations: tp / (tp + fp + fn) for each class."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.losses.base import fit_weights
from graphc.keras.metrics.base import Metric


class _IoUBase(Metric):
    """Counts of pairs (label, prediction) [classes, classes]."""

    num_classes: int
    target_class_ids: Any
    ignore_class: int | None = None
    sparse_y_true = sparse_y_pred = True
    axis = -1

    def _make(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.total_cm = self.add_weight("total_confusion_matrix", (num_classes, num_classes))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in class numbers, or probabilities where they are not ``sparse``."""
        if not self.sparse_y_true:
            y_true = tf.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = tf.argmax(y_pred, axis=self.axis)
        y_true, y_pred = (tf.reshape(tf.cast(y, tf.int64), [-1]) for y in (y_true, y_pred))
        weights = tf.ones_like(y_true, dtype=self.dtype)
        if sample_weight is not None:
            weights *= tf.reshape(fit_weights(sample_weight, weights), [-1])
        if self.ignore_class is not None:
            kept = tf.not_equal(y_true, self.ignore_class)
            zeros = tf.zeros_like(y_true)
            y_true, y_pred = tf.where(kept, y_true, zeros), tf.where(kept, y_pred, zeros)
            weights *= tf.cast(kept, self.dtype)
        self.total_cm.assign_add(
            tf.math.confusion_matrix(y_true, y_pred, self.num_classes, weights, self.dtype)
        )

    def result(self) -> Any:
        """The mean over the target classes that occur."""
        counts = tf.identity(self.total_cm)
        right = tf.linalg.diag_part(counts)
        union = tf.reduce_sum(counts, axis=0) + tf.reduce_sum(counts, axis=1) - right
        targets = list(self.target_class_ids)
        right, union = tf.gather(right, targets), tf.gather(union, targets)
        occur = tf.reduce_sum(tf.cast(tf.not_equal(union, 0.0), self.dtype))
        shares = tf.math.divide_no_nan(right, union)
        return tf.math.divide_no_nan(tf.reduce_sum(shares), occur)


class IoU(_IoUBase):
    """The mean of the target classes."""

    def __init__(
        self, num_classes: int, target_class_ids: Any, name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"Target class id {max(target_class_ids)} is out of range, which is [0,"
                f" {num_classes})."
            )
        self._make(num_classes)
        self.target_class_ids, self.ignore_class = list(target_class_ids), ignore_class
        self.sparse_y_true, self.sparse_y_pred, self.axis = sparse_y_true, sparse_y_pred, axis


class MeanIoU(IoU):
    """The mean of all classes."""

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(
            num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true,
            sparse_y_pred, axis,
        )  # fmt: skip


class BinaryIoU(_IoUBase):
    """Of two classes; predictions of at least ``threshold`` are class 1."""

    def __init__(
        self, target_class_ids: Any = (0, 1), threshold: float = 0.5, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self._make(2)
        self.target_class_ids, self.threshold = list(target_class_ids), threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = tf.cast(y_pred, self.dtype)
        super().update_state(y_true, y_pred >= self.threshold, sample_weight)


class OneHotIoU(IoU):
    """Of one-hot labels, and of probabilities unless ``sparse_y_pred``."""

    def __init__(
        self, num_classes: int, target_class_ids: Any, name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """The mean of all classes, of one-hot labels."""

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
