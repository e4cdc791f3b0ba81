"""``tf.data.experimental``: transformations for ``Dataset.apply``, CSV files, and older names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import graphc as tf
from graphc.data import maps, mixing, plans
from graphc.data.dataset import AUTOTUNE, Dataset
from graphc.data.iterators import Optional
from graphc.data.options import (
    AutotuneOptions,
    DistributeOptions,
    OptimizationOptions,
    ThreadingOptions,
)
from graphc.data.plans import INFINITE as INFINITE_CARDINALITY
from graphc.data.plans import UNKNOWN as UNKNOWN_CARDINALITY
from graphc.data.sources import CsvDataset, make_csv_dataset
from graphc.data.structure import map_components, widened
from graphc.io.records import TFRecordWriter

Transformation = Callable[[Dataset], Dataset]


def _applied(method: str) -> Callable[..., Transformation]:
    """A method of datasets as a function for ``Dataset.apply``."""

    def make(*args: Any, **kwargs: Any) -> Transformation:
        return lambda dataset: getattr(dataset, method)(*args, **kwargs)

    make.__name__ = method
    make.__doc__ = f"For ``apply``: `Dataset.{method}`."
    return make


bucket_by_sequence_length = _applied("bucket_by_sequence_length")
dense_to_ragged_batch = _applied("ragged_batch")
enumerate_dataset = _applied("enumerate")
group_by_window = _applied("group_by_window")
ignore_errors = _applied("ignore_errors")
rejection_resample = _applied("rejection_resample")
scan = _applied("scan")
snapshot = _applied("snapshot")
take_while = _applied("take_while")
unbatch = _applied("unbatch")
unique = _applied("unique")
RandomDataset = Dataset.random
sample_from_datasets = Dataset.sample_from_datasets


def choose_from_datasets(
    datasets: Sequence[Dataset], choice_dataset: Dataset, stop_on_empty_dataset: bool = False
) -> Dataset:
    """`Dataset.choose_from_datasets`, which goes on when one of the datasets has ended."""
    return Dataset.choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset)


def parallel_interleave(
    map_func: Callable[..., Any], cycle_length: int, block_length: int = 1, sloppy: bool = False,
    buffer_output_elements: Any = None, prefetch_input_elements: Any = None,
) -> Transformation:  # fmt: skip
    """For ``apply``: `Dataset.interleave`; the order is always the same."""
    return lambda d: d.interleave(map_func, cycle_length, block_length)


def Counter(start: int = 0, step: int = 1, dtype: Any = tf.int64) -> Dataset:
    """Whole numbers without end."""
    return Dataset.counter(start, step, dtype)


def assert_cardinality(expected_cardinality: int) -> Transformation:
    """For ``apply``: declare the number of elements; a pass with another number raises."""
    return lambda d: Dataset(mixing.AssertedCardinality(d.plan, int(expected_cardinality)))


def cardinality(dataset: Dataset) -> Any:
    """The number of elements, i64."""
    return dataset.cardinality()


def get_single_element(dataset: Dataset) -> Any:
    """The only element of a dataset."""
    return dataset.get_single_element()


def get_structure(dataset_or_iterator: Any) -> Any:
    """The types of an element."""
    return dataset_or_iterator.element_spec


def get_next_as_optional(iterator: Any) -> Optional:
    """The next element, or nothing."""
    return iterator.get_next_as_optional()


def from_list(elements: Any, name: str | None = None) -> Dataset:
    """The elements of a list."""
    if not elements:
        raise ValueError("Invalid `elements`. `elements` should not be empty.")
    parts = [plans.Tensors(e) for e in elements]
    spec = parts[0].spec
    for part in parts[1:]:
        spec = map_components(widened, spec, part.spec)
    made = maps.Listed(spec, [part.row for part in parts])
    made.title = "_ListDataset"
    return Dataset(made)


def map_and_batch(
    map_func: Callable[..., Any], batch_size: Any, num_parallel_batches: Any = None,
    drop_remainder: bool = False, num_parallel_calls: Any = None,
) -> Transformation:  # fmt: skip
    """For ``apply``: `map`, then `batch`."""
    return lambda d: d.map(map_func).batch(batch_size, drop_remainder)


def shuffle_and_repeat(
    buffer_size: Any, count: Any = None, seed: int | None = None
) -> Transformation:
    """For ``apply``: `shuffle`, then `repeat`."""
    return lambda d: d.shuffle(buffer_size, seed=seed).repeat(count)


def prefetch_to_device(device: str, buffer_size: Any = None) -> Transformation:
    """For ``apply``: `prefetch`; there is one device."""
    return lambda d: d.prefetch(AUTOTUNE if buffer_size is None else buffer_size)


def copy_to_device(target_device: str, source_device: str = "/cpu:0") -> Transformation:
    """For ``apply``: the dataset itself; there is one device."""
    return lambda d: d


__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "AutotuneOptions",
    "Counter",
    "CsvDataset",
    "DistributeOptions",
    "OptimizationOptions",
    "Optional",
    "RandomDataset",
    "TFRecordWriter",
    "ThreadingOptions",
    "assert_cardinality",
    "bucket_by_sequence_length",
    "cardinality",
    "choose_from_datasets",
    "copy_to_device",
    "dense_to_ragged_batch",
    "enumerate_dataset",
    "from_list",
    "get_next_as_optional",
    "get_single_element",
    "get_structure",
    "group_by_window",
    "ignore_errors",
    "make_csv_dataset",
    "map_and_batch",
    "parallel_interleave",
    "prefetch_to_device",
    "rejection_resample",
    "sample_from_datasets",
    "scan",
    "shuffle_and_repeat",
    "snapshot",
    "take_while",
    "unbatch",
    "unique",
]
