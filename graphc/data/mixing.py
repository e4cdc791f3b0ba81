"""Datasets made of several others, and options and assertions that change no element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import graphc as tf
from graphc.data.calls import Call
from graphc.data.maps import Listed, Unbatch
from graphc.data.order import Seed
from graphc.data.plans import INFINITE, UNKNOWN, From, Plan
from graphc.data.readers import Columns, Reader, Through
from graphc.data.structure import Row, is_fixed, map_components, unbatched, widened


class Chosen(Plan):
    """Elements of several datasets, in the order that numbers say."""

    title = "_DirectedInterleaveDataset"

    def __init__(self, parts: Sequence[Plan], choices: Plan, stop: bool) -> None:
        self.parts, self.choices, self.stop = parts, choices, stop
        spec = parts[0].spec
        for part in parts[1:]:
            spec = map_components(widened, spec, part.spec)
        self.spec = spec
        sizes = [p.cardinality for p in parts]
        if not stop and INFINITE in sizes and choices.cardinality == INFINITE:
            self.cardinality = INFINITE

    def reader(self) -> Reader:
        return Choose([p.reader() for p in self.parts], self.choices.reader(), self.stop)


class Choose(Reader):
    def __init__(self, parts: list[Reader], choices: Reader, stop: bool) -> None:
        self.parts: list[Reader | None] = list(parts)
        self.choices, self.stop = choices, stop

    def next(self) -> Row | None:
        while any(self.parts):
            chosen = self.choices.next()
            if chosen is None:
                return None
            at = int(chosen[0])
            if not 0 <= at < len(self.parts):
                raise tf.errors.InvalidArgumentError(
                    f"DirectedInterleave selected an out-of-range input: {at}."
                )
            part = self.parts[at]
            row = None if part is None else part.next()
            if row is not None:
                return row
            self.parts[at] = None
            if self.stop:
                return None
            if isinstance(self.choices, _DrawReader):
                self.choices.drop(at)
        return None


class Draws(Plan):
    """Random numbers of datasets, by weight; those that are at an end are drawn no more."""

    title = "_DrawDataset"
    cardinality = INFINITE
    spec = tf.TensorSpec([], tf.int64)

    def __init__(self, weights: np.ndarray, seed: Seed) -> None:
        self.weights, self.seed = weights, seed

    def reader(self) -> Reader:
        return _DrawReader(self.weights, self.seed.generator())


class _DrawReader(Reader):
    def __init__(self, weights: np.ndarray, random: np.random.Generator) -> None:
        self.weights, self.random = weights.copy(), random

    def drop(self, at: int) -> None:
        """Draw a number no more."""
        self.weights[at] = 0

    def next(self) -> Row | None:
        ends = np.cumsum(self.weights)
        if not ends[-1]:
            return None
        at = np.searchsorted(ends, self.random.random() * ends[-1], side="right")
        return [np.array(at, np.int64)]


class WithOptions(From):
    """The same elements; options for how they are made."""

    title = "_OptionsDataset"

    def __init__(self, source: Plan, options: Any) -> None:
        super().__init__(source)
        self.options = options

    def reader(self) -> Reader:
        return self.source.reader()


class AssertedCardinality(From):
    """The same elements; that there are so many is declared, and checked at the end."""

    title = "_AssertCardinalityDataset"

    def __init__(self, source: Plan, count: int) -> None:
        super().__init__(source)
        self.cardinality = count

    def reader(self) -> Reader:
        return _Counted(self.source.reader(), self.cardinality)


class _Counted(Through):
    def __init__(self, upstream: Reader, count: int) -> None:
        super().__init__(upstream)
        self.cuts, self.count, self.seen = False, count, 0

    def next(self) -> Row | None:
        row = self.upstream.next()
        if row is not None:
            self.seen += 1
        more = row is not None and self.seen > self.count
        if self.count >= 0 and (more or (row is None and self.seen < self.count)):
            got = "at least " * more + f"{self.seen} element{'s' * (self.seen != 1)}"
            raise tf.errors.FailedPreconditionError(
                f"Input dataset was expected to contain {self.count} elements but contained"
                f" {'only ' * (not more)}{got}."
            )
        return row


class IgnoredErrors(From):
    """The elements that can be made."""

    title = "_IgnoreErrorsDataset"

    def __init__(self, source: Plan, log: bool) -> None:
        super().__init__(source)
        self.cardinality, self.log = UNKNOWN, log

    def reader(self) -> Reader:
        return _Ignoring(self.source.reader(), self.log)


class _Ignoring(Through):
    def __init__(self, upstream: Reader, log: bool) -> None:
        super().__init__(upstream)
        self.cuts, self.log = False, log

    def next(self) -> Row | None:
        while True:
            try:
                return self.upstream.next()
            except tf.errors.OpError as error:
                if self.log:
                    tf.print(f"error ignored: {error}")


class Unique(From):
    """Each different element once."""

    title = "_UniqueDataset"

    def __init__(self, source: Plan) -> None:
        super().__init__(source)
        if not isinstance(source.spec, tf.TensorSpec) or source.spec.dtype not in (
            tf.int32, tf.int64, tf.string
        ):  # fmt: skip
            raise TypeError(
                "`tf.data.Dataset.unique` supports datasets of single tensors of type tf.int32,"
                f" tf.int64 and tf.string, got {source.spec}."
            )
        self.cardinality = UNKNOWN

    def reader(self) -> Reader:
        return _UniqueReader(self.source.reader())


class _UniqueReader(Through):
    def __init__(self, upstream: Reader) -> None:
        super().__init__(upstream)
        self.cuts = False
        self.seen: set[Any] = set()

    def next(self) -> Row | None:
        while (row := self.upstream.next()) is not None:
            key = row[0].shape, tuple(row[0].ravel().tolist())
            if key not in self.seen:
                self.seen.add(key)
                return row
        return None


class Rebatched(From):
    """The rows of batches, in batches of other sizes, one after the other."""

    title = "_RebatchDataset"

    def __init__(self, source: Plan, sizes: list[int], drop: bool) -> None:
        super().__init__(source)
        self.sizes, self.drop, self.cardinality = sizes, drop, UNKNOWN
        size = sizes[0] if drop and len(set(sizes)) == 1 else None
        self.spec = map_components(
            lambda s: tf.TensorSpec([size, *s.shape[1:]], s.dtype), source.spec
        )

    def reader(self) -> Reader:
        rows = Unbatch(self.source.reader(), is_fixed(map_components(unbatched, self.source.spec)))
        return _Rebatch(rows, self.sizes, self.drop)


class _Rebatch(Through):
    def __init__(self, upstream: Reader, sizes: list[int], drop: bool) -> None:
        super().__init__(upstream)
        self.cuts, self.sizes, self.drop, self.at = False, sizes, drop, 0

    def next(self) -> Row | None:
        size = self.sizes[self.at % len(self.sizes)]
        self.at += 1
        block: Columns | None = self.upstream.take(size)
        if block is None or (self.drop and len(block[0]) < size):
            return None
        return block


# --- groups ---------------------------------------------------------------------------------------


class Grouped(From):
    """Elements with the same key, so many at a time: datasets, of which a function makes others."""

    title = "_GroupByWindowDataset"

    def __init__(
        self, source: Plan, key: Call, reduce_: Call, size: Call, dataset: Callable[[Plan], Any]
    ) -> None:
        super().__init__(source)
        spec = key.spec
        if not isinstance(spec, tf.TensorSpec) or spec.dtype is not tf.int64 or spec.shape.rank:
            raise ValueError(
                "Invalid `key_func`. `key_func` must return a single `tf.int64` scalar tensor, but"
                f" its return type is {spec}."
            )
        self.key, self.reduce, self.size, self.dataset = key, reduce_, size, dataset
        self.spec, self.cardinality = reduce_.spec.element_spec, UNKNOWN

    def reader(self) -> Reader:
        return _GroupReader(self.source.reader(), self)


class _GroupReader(Through):
    def __init__(self, upstream: Reader, plan: Grouped) -> None:
        super().__init__(upstream)
        self.cuts, self.plan = False, plan
        self.groups: dict[int, list[Row]] = {}
        self.sizes: dict[int, int] = {}
        self.open: Reader | None = None

    def next(self) -> Row | None:
        while True:
            row = None if self.open is None else self.open.next()
            if row is not None:
                return row
            self.open = self._next_group()
            if self.open is None:
                return None

    def _next_group(self) -> Reader | None:
        """The next full group; after the last element those that are not."""
        while (row := self.upstream.next()) is not None:
            key = int(self.plan.key(row)[0])
            if key not in self.sizes:
                self.sizes[key] = int(self.plan.size([np.array(key)])[0])
            held = self.groups.setdefault(key, [])
            held.append(row)
            if len(held) == self.sizes[key]:
                return self._made(key)
        return self._made(min(self.groups)) if self.groups else None

    def _made(self, key: int) -> Reader:
        group = self.plan.dataset(Listed(self.plan.source.spec, self.groups.pop(key)))
        return self.plan.reduce([np.array(key), group])[0].plan.reader()


class Resampled(From):
    """Pairs of a class and an element, elements left out so that classes come as often as wanted.

    Without ``initial``, how often they come is counted on the way (TF: from 10 of each on).
    """

    title = "_FilterDataset"
    START = 10.0

    def __init__(
        self, source: Plan, call: Call, target: np.ndarray, initial: np.ndarray | None, seed: Seed
    ) -> None:
        super().__init__(source)
        spec = call.spec
        if not isinstance(spec, tf.TensorSpec) or not spec.dtype.is_integer or spec.shape.rank:
            raise ValueError(f"`class_func` must return a scalar integer tensor, got {spec}.")
        self.call, self.target, self.initial, self.seed = call, target, initial, seed
        self.spec, self.cardinality = (spec, source.spec), UNKNOWN

    def reader(self) -> Reader:
        return _Resample(self.source.reader(), self)


class _Resample(Through):
    def __init__(self, upstream: Reader, plan: Resampled) -> None:
        super().__init__(upstream)
        self.cuts, self.plan, self.random = False, plan, plan.seed.generator()
        self.counts = np.full(len(plan.target), plan.START)

    def next(self) -> Row | None:
        plan = self.plan
        while (row := self.upstream.next()) is not None:
            kind = plan.call(row)
            at = int(kind[0])
            if not 0 <= at < len(plan.target):
                raise tf.errors.InvalidArgumentError(
                    f"class {at} is not below {len(plan.target)}, the number of classes"
                )
            self.counts[at] += 1
            ratios = plan.target / (self.counts / self.counts.sum())
            if plan.initial is not None:
                tiny = np.finfo(float).tiny
                ratios = np.where(plan.target > 0, plan.target / (plan.initial + tiny), 0.0)
            if self.random.random() * ratios.max() < ratios[at]:
                return [*kind, *row]
        return None
