"""`tf.data.Dataset`: what users call; each method wraps a plan in another one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

import graphc as tf
from graphc.data import ahead, caching, files, maps, mixing, order, padded, plans
from graphc.data.calls import Call
from graphc.data.generators import Generated
from graphc.data.iterators import DatasetIterator, NumpyIterator, TracedIterator
from graphc.data.options import Options
from graphc.data.plans import INFINITE, UNKNOWN, Plan
from graphc.data.structure import (
    OUTLINE,
    DatasetSpec,
    as_row,
    component,
    filled,
    flatten,
    given,
    map_components,
    pack,
    packer,
    spec_of,
    whole,
)
from graphc.trace.control import OPERATORS
from graphc.trace.state import current
from graphc.trace.streams import Elements, call_step

AUTOTUNE = -1


class Dataset:
    """A sequence of elements, made anew on each pass (TF: ``tf.data.Dataset``).

    An element is a tensor, or a tuple, dict or record of tensors (or of datasets).  Nothing is
    computed before the dataset is gone through.
    """

    def __init__(self, plan: Plan) -> None:
        if not isinstance(plan, Plan):
            raise TypeError("make a dataset with Dataset.from_tensor_slices and its like")
        self.plan = plan

    # --- sources ---

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """One element: ``tensors``."""
        return Dataset(plans.Tensors(tensors))

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """The rows of tensors (of a structure of tensors with the same number of rows).

        Raises ``ValueError`` for a scalar and for different numbers of rows.
        """
        return Dataset(plans.Slices(tensors))

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_types: Any = None, output_shapes: Any = None,
        args: Any = None, output_signature: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """What ``generator(*args)`` yields; it is called anew on each pass.

        ``output_signature`` is a structure of TensorSpecs; ``output_types`` and ``output_shapes``
        (of dtypes and shapes) say the same.
        """
        return Dataset(Generated(generator, output_types, output_shapes, args, output_signature))

    @staticmethod
    def range(*args: Any, output_type: Any = tf.int64, name: str | None = None) -> Dataset:
        """Whole numbers, as Python's ``range`` counts them."""
        if not 1 <= len(args) <= 3:
            raise ValueError(
                f"Invalid `args`. The length of `args` should be 1 to 3, got {len(args)}"
            )
        start, stop, step = (0, *args, 1) if len(args) == 1 else (*args, 1)[:3]
        return Dataset(plans.Range(whole(start), whole(stop), whole(step), output_type))

    @staticmethod
    def counter(
        start: int = 0, step: int = 1, dtype: Any = tf.int64, name: str | None = None
    ) -> Dataset:
        """Whole numbers without end."""
        return Dataset(plans.Counter(start, step, dtype))

    @staticmethod
    def random(
        seed: int | None = None, rerandomize_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Random numbers i64 below 2**32, without end."""
        return Dataset(plans.Random(seed, rerandomize_each_iteration))

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Elements side by side, of datasets or of a structure of them; ends with the shortest."""
        given = args[0] if len(args) == 1 else args
        given = given if datasets is None else datasets
        for part in flatten(given):
            if not isinstance(part, Dataset):
                raise TypeError(
                    "Invalid input to `zip`. Inputs are expected to be (nested) structures of"
                    f" `tf.data.Dataset` objects but encountered object of type {type(part)}."
                )
        return Dataset(plans.Zipped(map_components(lambda d: d.plan, given)))

    @staticmethod
    def list_files(
        file_pattern: Any, shuffle: bool | None = None, seed: int | None = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """The files whose names match a pattern, or several; in random order unless ``shuffle`` is
        False.

        Raises ``InvalidArgumentError`` if there are none.
        """
        found = Dataset(plans.Slices(files.matching(file_pattern)))
        return found if shuffle is False else found.shuffle(len(found), seed=seed)

    # --- which elements ---

    def shuffle(
        self, buffer_size: Any, seed: int | None = None,
        reshuffle_each_iteration: bool | None = True, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Random order: each element is drawn from a buffer of ``buffer_size`` elements.

        Each pass has another order, unless ``reshuffle_each_iteration`` is False.  With
        ``tf.random.set_seed`` or ``seed``, a program gets the same orders on every run.
        """
        size = whole(buffer_size)
        if size < 1 and size != UNKNOWN:
            raise tf.errors.InvalidArgumentError(
                "buffer_size must be greater than zero or UNKNOWN_CARDINALITY"
            )
        made = order.Seed(seed, fixed=reshuffle_each_iteration is False)
        return Dataset(plans.Shuffled(self.plan, size if size > 0 else 2**62, made))

    def repeat(self, count: Any = None, name: str | None = None) -> Dataset:
        """All elements ``count`` times; without ``count`` (or with -1) without end."""
        return Dataset(plans.Repeated(self.plan, -1 if count is None else whole(count)))

    def take(self, count: Any, name: str | None = None) -> Dataset:
        """The first ``count`` elements; -1: all."""
        return Dataset(plans.Taken(self.plan, whole(count)))

    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """All elements but the first ``count``; -1: none."""
        return Dataset(plans.Skipped(self.plan, whole(count)))

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Dataset:
        """Every ``num_shards``-th element, beginning with element ``index``."""
        return Dataset(plans.Sharded(self.plan, whole(num_shards), whole(index)))

    @staticmethod
    def choose_from_datasets(
        datasets: Sequence[Dataset], choice_dataset: Dataset, stop_on_empty_dataset: bool = True
    ) -> Dataset:
        """Elements of ``datasets``, in the order of the numbers i64 of ``choice_dataset``.

        It ends when a chosen dataset has ended, or (``stop_on_empty_dataset`` False) goes on with
        the others.
        """
        if not datasets:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        if choice_dataset.element_spec != tf.TensorSpec([], tf.int64):
            raise TypeError(
                "Invalid `choice_dataset`. Elements of `choice_dataset` must be scalar `tf.int64`"
                f" tensors but are {choice_dataset.element_spec}."
            )
        parts = [d.plan for d in datasets]
        return Dataset(mixing.Chosen(parts, choice_dataset.plan, stop_on_empty_dataset))

    @staticmethod
    def sample_from_datasets(
        datasets: Sequence[Dataset], weights: Any = None, seed: int | None = None,
        stop_on_empty_dataset: bool = False, rerandomize_each_iteration: bool | None = None,
    ) -> Dataset:  # fmt: skip
        """Elements of ``datasets``, chosen at random, with probabilities like ``weights``."""
        shares = np.ones(len(datasets)) if weights is None else np.asarray(weights, float)
        if len(shares) != len(datasets):
            raise ValueError(
                f"Invalid `weights`. The shape of `weights` should be [{len(datasets)}], got"
                f" {list(shares.shape)}."
            )
        datasets = [d for d, share in zip(datasets, shares, strict=True) if share > 0]
        shares = shares[shares > 0]
        if len(datasets) == 1:
            return datasets[0]
        made = order.Seed(seed, fixed=not rerandomize_each_iteration)
        parts = [d.plan for d in datasets]
        return Dataset(mixing.Chosen(parts, mixing.Draws(shares, made), stop_on_empty_dataset))

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """The elements of this one, then those of the other, which are of the same types."""
        return Dataset(plans.Concatenated(self.plan, dataset.plan))

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which ``predicate`` gives True, a bool scalar."""
        return Dataset(maps.Filtered(self.plan, self._call(predicate)))

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements before the first for which ``predicate`` gives False."""
        return Dataset(maps.TakenWhile(self.plan, self._call(predicate)))

    # --- what becomes of them ---

    def map(
        self, map_func: Callable[..., Any], num_parallel_calls: Any = None,
        deterministic: bool | None = None, synchronous: Any = None,
        use_unbounded_threadpool: bool = False, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """``map_func`` of each element; the components of a tuple are its arguments.

        The function is traced like a `tf.function`.  The order is always that of the elements.
        """
        return Dataset(maps.Mapped(self.plan, self._call(map_func)))

    def batch(
        self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None,
        deterministic: bool | None = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """``batch_size`` elements as one, stacked along a first axis.

        The last batch may be smaller; ``drop_remainder`` leaves it out.  Raises
        ``InvalidArgumentError`` for elements of different shapes.
        """
        return Dataset(plans.Batched(self.plan, whole(batch_size), bool(drop_remainder)))

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None,
        drop_remainder: bool = False, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """`batch` for elements of different shapes, each filled up with ``padding_values``.

        ``padded_shapes`` is a structure of shapes; a size None (or -1) is that of the longest
        element in the batch.  Without it that is so for all sizes that are not known.
        """
        size, drop = whole(batch_size), bool(drop_remainder)
        return Dataset(padded.PaddedBatched(self.plan, size, drop, padded_shapes, padding_values))

    def ragged_batch(
        self, batch_size: Any, drop_remainder: bool = False, row_splits_dtype: Any = tf.int64,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """`batch` for elements with a first axis of different sizes: rows of a RaggedTensor."""
        size = whole(batch_size)
        return Dataset(padded.RaggedBatched(self.plan, size, bool(drop_remainder)))

    def rebatch(
        self, batch_size: Any, drop_remainder: bool = False, name: str | None = None
    ) -> Dataset:
        """Batches with other sizes: ``batch_size``, or a list of sizes that take turns."""
        sizes = [int(n) for n in np.ravel(batch_size)]
        return Dataset(mixing.Rebatched(self.plan, sizes, bool(drop_remainder)))

    def unbatch(self, name: str | None = None) -> Dataset:
        """The rows of the elements as elements."""
        return Dataset(maps.Unbatched(self.plan))

    def window(
        self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Datasets of ``size`` elements, ``stride`` apart, each begun ``shift`` elements later."""
        steps = whole(size), whole(size if shift is None else shift), whole(stride)
        return Dataset(maps.Windowed(self.plan, *steps, bool(drop_remainder), Dataset))

    def enumerate(self, start: Any = 0, name: str | None = None) -> Dataset:
        """Pairs of a number i64 and an element."""
        return Dataset.zip((Dataset.counter(whole(start)), self))

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """All elements of the datasets that ``map_func`` gives, one dataset after the other."""
        return Dataset(maps.Flattened(self.plan, self._call(map_func)))

    def interleave(
        self, map_func: Callable[..., Any], cycle_length: Any = None, block_length: Any = None,
        num_parallel_calls: Any = None, deterministic: bool | None = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Elements of the datasets that ``map_func`` gives: ``block_length`` of each of
        ``cycle_length`` (None: one for each processor) open ones in turn.
        """
        cycle = AUTOTUNE if cycle_length is None else whole(cycle_length)
        cycle = files.processors() if cycle == AUTOTUNE else cycle
        block = 1 if block_length is None else whole(block_length)
        return Dataset(maps.Interleaved(self.plan, self._call(map_func), cycle, block))

    def scan(
        self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None
    ) -> Dataset:
        """``state, output = scan_func(state, element)`` for each element; gives the outputs."""
        state = map_components(component, initial_state)
        return Dataset(maps.Scanned(self.plan, state, self._state_call(scan_func, state, True)))

    def group_by_window(
        self, key_func: Callable[..., Any], reduce_func: Callable[..., Any],
        window_size: Any = None, window_size_func: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Elements with the same key, so many at a time, made into other elements.

        ``key_func(element)`` gives an i64, ``reduce_func(key, dataset)`` a dataset.
        """
        if (window_size is None) == (window_size_func is None):
            raise ValueError(
                "Either the `window_size` or the `window_size_func` must be specified."
            )
        number = tf.TensorSpec([], tf.int64)
        size = window_size_func or (lambda key: tf.constant(window_size, tf.int64))
        key_of = OPERATORS.fn(key_func)
        key = self._call(lambda *element: tf.cast(key_of(*element), tf.int64))
        inner = pack((0, 0), [number, DatasetSpec(self.element_spec)])
        reduce_ = Call(reduce_func, inner, _stand_in, lambda: None)
        sizes = Call(lambda key: tf.cast(size(key), tf.int64), number, _stand_in, lambda: None)
        return Dataset(mixing.Grouped(self.plan, key, reduce_, sizes, Dataset))

    def bucket_by_sequence_length(
        self, element_length_func: Callable[..., Any], bucket_boundaries: Sequence[int],
        bucket_batch_sizes: Sequence[int], padded_shapes: Any = None, padding_values: Any = None,
        pad_to_bucket_boundary: bool = False, no_padding: bool = False,
        drop_remainder: bool = False, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Padded batches of elements of similar length.

        Bucket i has the lengths from ``bucket_boundaries[i - 1]`` to below ``bucket_boundaries[i]``
        and batches of ``bucket_batch_sizes[i]``.
        """
        if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
            raise ValueError(
                "`len(bucket_batch_sizes)` must equal `len(bucket_boundaries) + 1` but"
                f" `len(bucket_batch_sizes)={len(bucket_batch_sizes)}` and"
                f" `len(bucket_boundaries)={len(bucket_boundaries)}`."
            )

        def bucket(*element: Any) -> Any:
            length = tf.cast(element_length_func(*element), tf.int64)
            return tf.searchsorted(tf.constant(bucket_boundaries, tf.int64), length[None], "right")[
                0
            ]

        def batches(key: Any, window: Dataset) -> Dataset:
            size = tf.gather(tf.constant(bucket_batch_sizes, tf.int64), key)
            if no_padding:
                return window.batch(size, drop_remainder=drop_remainder)
            shapes = self.element_spec if padded_shapes is None else padded_shapes
            shapes = map_components(lambda s: s.shape, shapes) if padded_shapes is None else shapes
            if pad_to_bucket_boundary:
                shapes = _to_boundary(self.element_spec, shapes, bucket_boundaries, key)
            return window.padded_batch(size, shapes, padding_values, drop_remainder)

        sizes = tf.constant(bucket_batch_sizes, tf.int64)
        return self.group_by_window(bucket, batches, window_size_func=lambda k: tf.gather(sizes, k))

    def cache(self, filename: Any = "", name: str | None = None) -> Dataset:
        """The elements of the first complete pass, kept in memory, or in ``filename``."""
        path = filename.decode() if isinstance(filename, bytes) else str(filename)
        made = caching.FileCached(self.plan, path) if path else caching.Cached(self.plan)
        return Dataset(made)

    def save(
        self, path: str, compression: str | None = None, shard_func: Any = None,
        checkpoint_args: Any = None,
    ) -> None:  # fmt: skip
        """Write all elements, which are of tensors, to a folder; `load` reads them."""
        caching.save(self.plan, str(path))

    @staticmethod
    def load(
        path: str, element_spec: Any = None, compression: str | None = None,
        reader_func: Any = None, wait: bool = False,
    ) -> Dataset:  # fmt: skip
        """The elements that `save` has written; ``element_spec`` is what it was."""
        if element_spec is None:
            raise ValueError("graphc's `load` needs `element_spec`: it keeps no types in the file")
        return Dataset(caching.Saved(str(path), element_spec))

    def snapshot(
        self, path: str, compression: str = "AUTO", reader_func: Any = None,
        shard_func: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """`cache` in a folder, for other programs too."""
        return Dataset(caching.FileCached(self.plan, os.path.join(path, "snapshot")))

    def unique(self, name: str | None = None) -> Dataset:
        """Each different element once."""
        return Dataset(mixing.Unique(self.plan))

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Dataset:
        """The elements that can be made; those that raise are left out."""
        return Dataset(mixing.IgnoredErrors(self.plan, log_warning))

    def rejection_resample(
        self, class_func: Callable[..., Any], target_dist: Any, initial_dist: Any = None,
        seed: int | None = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Pairs (class, element); elements are left out so that classes are distributed as wanted.

        ``initial_dist`` is how they are distributed; without it that is counted on the way.
        """
        target = np.asarray(target_dist, float)
        initial = None if initial_dist is None else np.asarray(initial_dist, float)
        call, made = self._call(class_func), order.Seed(seed)
        return Dataset(mixing.Resampled(self.plan, call, target, initial, made))

    def with_options(self, options: Options, name: str | None = None) -> Dataset:
        """The same dataset; options say how it is made, never what it gives."""
        return Dataset(mixing.WithOptions(self.plan, self.options().merge(options)))

    def options(self) -> Options:
        """The options of this dataset and those it is made of."""
        plan: Any = self.plan
        while plan is not None and not isinstance(plan, mixing.WithOptions):
            plan = getattr(plan, "source", None)
        return Options() if plan is None else plan.options

    def prefetch(self, buffer_size: Any, name: str | None = None) -> Dataset:
        """The same elements; what waits for files is made ahead, in a thread of its own."""
        return Dataset(ahead.Prefetched(self.plan, whole(buffer_size)))

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """``transformation_func`` of this dataset."""
        found = transformation_func(self)
        if not isinstance(found, Dataset):
            raise TypeError(
                f"`transformation_func` must return a `tf.data.Dataset` object. Got {type(found)}."
            )
        return found

    def _call(self, function: Callable[..., Any]) -> Call:
        return Call(function, self.element_spec, _stand_in, lambda: self.plan.reader().next())

    # --- looking ---

    @property
    def element_spec(self) -> Any:
        """The types of an element."""
        return self.plan.spec

    def cardinality(self) -> Any:
        """The number of elements, i64; INFINITE_CARDINALITY or UNKNOWN_CARDINALITY."""
        return tf.constant(self.plan.cardinality, tf.int64)

    def __len__(self) -> int:
        size = self.plan.cardinality
        if size == INFINITE:
            raise TypeError("The dataset is infinite.")
        if size == UNKNOWN:
            raise TypeError("The dataset length is unknown.")
        return size

    def __bool__(self) -> bool:
        return True

    __nonzero__ = __bool__

    def __iter__(self) -> Any:
        if current.tracer is not None:
            return TracedIterator(self.__graphc_stream__())
        return DatasetIterator(self.plan)

    def __graphc_stream__(self) -> Elements:
        """How a `for` of a `@function` goes through it."""
        spec = self.element_spec
        return Elements(lambda: DatasetIterator(self.plan), given(spec), partial(filled, spec))

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The elements as numpy arrays."""
        return NumpyIterator(self.plan)

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element; raises ``InvalidArgumentError`` if there are none or several."""
        found = iter(self)
        element = next(found, None)
        if element is None:
            raise tf.errors.InvalidArgumentError("Dataset was empty.")
        if found.next_row() is not None:
            raise tf.errors.InvalidArgumentError("Dataset had more than one element.")
        return element

    def reduce(
        self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None
    ) -> Any:
        """The last value of ``state = reduce_func(state, element)`` over all elements."""
        state = map_components(tf.convert_to_tensor, initial_state)
        call = self._state_call(reduce_func, state, False)
        row = as_row(flatten(state))
        if current.tracer is None:
            return packer(call.spec)(maps.reduced(self.plan, row, call))
        step = lambda *state: maps.reduced(self.plan, state, call)  # noqa: E731
        return pack(call.spec, call_step(step, row, flatten(call.spec)))

    def _state_call(self, function: Callable[..., Any], state: Any, outputs: bool) -> Call:
        """A function of a state and an element; sizes that change on the way are left open."""
        row, spec = as_row(flatten(state)), map_components(spec_of, state)
        while True:
            call = Call(
                function, (spec, self.element_spec), _stand_in, lambda: _example(row, self.plan)
            )
            after = maps.after(spec, call.spec, outputs)
            if after == spec:
                return call
            spec = after

    def __repr__(self) -> str:
        return f"<{self.plan.title} element_spec={self.element_spec!r}>"


def _to_boundary(spec: Any, shapes: Any, boundaries: Sequence[int], key: Any) -> Any:
    """Shapes with the sizes that are not known made one less than the bucket's end."""
    last = OUTLINE.on or int(key)
    if last == len(boundaries):
        raise tf.errors.InvalidArgumentError(
            "When pad_to_bucket_boundary=True, elements must have length < max(bucket_boundaries)."
        )
    size = None if OUTLINE.on else boundaries[int(key)] - 1
    given = iter(padded._matched(spec, shapes))
    return map_components(
        lambda s: tf.TensorShape([size if n in (None, -1) else n for n in next(given)]), spec
    )


def _stand_in(spec: DatasetSpec) -> Dataset:
    """A dataset to trace functions of datasets with."""
    return Dataset(maps.Unknown(spec.element_spec))


def _example(state: list[Any], plan: Plan) -> Any:
    row = plan.reader().next()
    return None if row is None else [*state, *row]
