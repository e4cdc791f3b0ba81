"""``tf.data``: datasets."""

from __future__ import annotations

from graphc.data import experimental
from graphc.data.dataset import AUTOTUNE, Dataset
from graphc.data.iterators import DatasetIterator as Iterator
from graphc.data.iterators import NumpyIterator
from graphc.data.options import Options, ThreadingOptions
from graphc.data.plans import INFINITE as INFINITE_CARDINALITY
from graphc.data.plans import UNKNOWN as UNKNOWN_CARDINALITY
from graphc.data.sources import FixedLengthRecordDataset, TextLineDataset, TFRecordDataset
from graphc.data.structure import DatasetSpec

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "Dataset",
    "DatasetSpec",
    "FixedLengthRecordDataset",
    "Iterator",
    "NumpyIterator",
    "Options",
    "TFRecordDataset",
    "TextLineDataset",
    "ThreadingOptions",
    "experimental",
]
