"""`tf.data.Dataset`: what users call; each method wraps a plan in another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import graphc as tf
from graphc.data import files, maps, order, plans
from graphc.data.calls import Call
from graphc.data.generators import Generated
from graphc.data.iterators import DatasetIterator, NumpyIterator
from graphc.data.plans import INFINITE, UNKNOWN, Plan
from graphc.data.structure import DatasetSpec, as_row, component, flatten, map_components, spec_of

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
        return Dataset(plans.Range(int(start), int(stop), int(step), output_type))

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
        reshuffle_each_iteration: bool | None = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Random order: each element is drawn from a buffer of ``buffer_size`` elements.

        Each pass has another order, unless ``reshuffle_each_iteration`` is False.  With
        ``tf.random.set_seed`` or ``seed``, a program gets the same orders on every run.
        """
        size = int(buffer_size)
        if size < 1 and size != UNKNOWN:
            raise tf.errors.InvalidArgumentError(
                "buffer_size must be greater than zero or UNKNOWN_CARDINALITY"
            )
        made = order.Seed(seed, fixed=reshuffle_each_iteration is False)
        return Dataset(plans.Shuffled(self.plan, size if size > 0 else 2**62, made))

    def repeat(self, count: Any = None, name: str | None = None) -> Dataset:
        """All elements ``count`` times; without ``count`` (or with -1) without end."""
        return Dataset(plans.Repeated(self.plan, -1 if count is None else int(count)))

    def take(self, count: Any, name: str | None = None) -> Dataset:
        """The first ``count`` elements; -1: all."""
        return Dataset(plans.Taken(self.plan, int(count)))

    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """All elements but the first ``count``; -1: none."""
        return Dataset(plans.Skipped(self.plan, int(count)))

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Dataset:
        """Every ``num_shards``-th element, beginning with element ``index``."""
        return Dataset(plans.Sharded(self.plan, int(num_shards), int(index)))

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
        return Dataset(plans.Batched(self.plan, int(batch_size), bool(drop_remainder)))

    def unbatch(self, name: str | None = None) -> Dataset:
        """The rows of the elements as elements."""
        return Dataset(maps.Unbatched(self.plan))

    def window(
        self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Datasets of ``size`` elements, ``stride`` apart, each begun ``shift`` elements later."""
        steps = int(size), int(size if shift is None else shift), int(stride)
        return Dataset(maps.Windowed(self.plan, *steps, bool(drop_remainder), Dataset))

    def enumerate(self, start: Any = 0, name: str | None = None) -> Dataset:
        """Pairs of a number i64 and an element."""
        return Dataset.zip((Dataset.counter(int(start)), self))

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
        cycle = AUTOTUNE if cycle_length is None else int(cycle_length)
        cycle = files.processors() if cycle == AUTOTUNE else cycle
        block = 1 if block_length is None else int(block_length)
        return Dataset(maps.Interleaved(self.plan, self._call(map_func), cycle, block))

    def scan(
        self, initial_state: Any, scan_func: Callable[..., Any], use_default_device: Any = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """``state, output = scan_func(state, element)`` for each element; gives the outputs."""
        state = map_components(component, initial_state)
        spec = map_components(spec_of, state)
        call = Call(
            scan_func, (spec, self.element_spec), _stand_in,
            lambda: _example(as_row(flatten(state)), self.plan),
        )  # fmt: skip
        return Dataset(maps.Scanned(self.plan, as_row(flatten(state)), call, spec))

    def prefetch(self, buffer_size: Any, name: str | None = None) -> Dataset:
        """The same elements; what waits for files is made ahead, in a thread of its own."""
        return Dataset(plans.Prefetched(self.plan, int(buffer_size)))

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

    def __iter__(self) -> DatasetIterator:
        return DatasetIterator(self.plan)

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
        state = map_components(component, initial_state)
        row = as_row(flatten(state))
        spec = map_components(spec_of, state)
        call = Call(
            reduce_func, (spec, self.element_spec), _stand_in, lambda: _example(row, self.plan)
        )
        maps.check_state("reduce_func", spec, call.spec)
        return maps.reduced(self.plan, row, call)

    def __repr__(self) -> str:
        return f"<{self.plan.title} element_spec={self.element_spec!r}>"


def _stand_in(spec: DatasetSpec) -> Dataset:
    """A dataset to trace functions of datasets with."""
    return Dataset(maps.Unknown(spec.element_spec))


def _example(state: list[Any], plan: Plan) -> Any:
    row = plan.reader().next()
    return None if row is None else [*state, *row]
