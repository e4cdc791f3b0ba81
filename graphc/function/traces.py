"""The traces of a function, by signature, and the turn that threads take to make them."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any

from graphc.function.signature import OBJECT, family_of
from graphc.trace.variable import STATE_LOCK

Key = tuple[Hashable, ...]
SHORTCUTS = 8  # calls that are remembered for each trace that is kept, at most
GENERAL = 8  # traces with unknown sizes that are tried for one family of signatures


class Family:
    """Signatures that differ in the sizes of tensors alone."""

    def __init__(self, shapes: list[tuple[Any, ...]]) -> None:
        self.shapes = shapes  # None where two calls differed
        self.traces: list[tuple[list[tuple[Any, ...]], Any]] = []

    def find(self, shapes: list[tuple[Any, ...]]) -> Any:
        """The latest trace that takes these sizes."""
        for taken, found in reversed(self.traces):
            if all(map(_fits, shapes, taken)):
                return found
        return None

    def widen(self, shapes: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Leave open what differs from the calls before."""
        pairs = zip(self.shapes, shapes, strict=True)
        self.shapes = [
            tuple(a if a == b else None for a, b in zip(s, t, strict=True)) for s, t in pairs
        ]
        return self.shapes


def _fits(shape: tuple[Any, ...], taken: tuple[Any, ...]) -> bool:
    return all(want is None or want == size for size, want in zip(shape, taken, strict=True))


class Traces:
    """Traces by signature, the one not used for longest first; at most ``size``.

    Keys hold objects by their address: when an object dies, all that was kept for it goes, before
    another one can take its place.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.quick: dict[Key, Any] = {}  # calls as they come, with nothing converted
        self.kept: OrderedDict[Key, Any] = OrderedDict()
        self.families: OrderedDict[Key, Family] = OrderedDict()
        self.latest: Any = None
        self._watched: dict[int, tuple[Any, set[Key]]] = {}

    def touch(self, found: Any) -> None:
        """Make a trace the one that was used last."""
        self.latest = found
        with suppress(KeyError):  # it may just have been dropped
            self.kept.move_to_end(found.key)

    def put(self, key: Key, found: Any, objects: Iterable[Any]) -> None:
        found.key = key
        self.watch(key, objects)
        self.kept[key] = self.latest = found
        while len(self.kept) > self.size:
            self._evict(next(iter(self.kept)))

    def shorten(self, key: Key, found: Any, objects: Iterable[Any]) -> None:
        """Let calls with this key find the trace at once."""
        while len(self.quick) >= SHORTCUTS * self.size:
            self._release(next(iter(self.quick)), self.quick)
        self.watch(key, objects)
        self.quick[key] = found

    def family(self, key: Key, objects: Iterable[Any]) -> tuple[Family, list[tuple[Any, ...]]]:
        """The family of a signature, made if need be, and the sizes of the signature."""
        name, shapes = family_of(key)
        found = self.families.get(name)
        if found is None:
            while len(self.families) >= self.size:
                self._release(next(iter(self.families)), self.families)
            self.watch(name, objects)
            found = self.families[name] = Family(shapes)
        else:
            self.families.move_to_end(name)
        return found, shapes

    def _evict(self, key: Key) -> None:
        """Forget a trace, with every way to it."""
        gone = self.kept.get(key)
        self._release(key, self.kept)
        if self.latest is gone:
            self.latest = None
        for short in [k for k, found in list(self.quick.items()) if found is gone]:
            self._release(short, self.quick)
        for family in list(self.families.values()):
            family.traces = [pair for pair in family.traces if pair[1] is not gone]

    def _release(self, key: Key, table: dict[Key, Any]) -> None:
        table.pop(key, None)
        if any(key in t for t in (self.quick, self.kept, self.families)):
            return
        for number in _objects_of(key):
            _, keys = self._watched.get(number, (None, set()))
            keys.discard(key)
            if not keys:
                self._watched.pop(number, None)

    def clear(self) -> None:
        for table in (self.quick, self.kept, self.families, self._watched):
            table.clear()
        self.latest = None

    # --- objects that die ---

    def watch(self, key: Key, objects: Iterable[Any]) -> None:
        """Forget the key when one of the objects in it is gone."""
        for number in _objects_of(key):
            held = self._watched.get(number)
            if held is None:
                value = next(o for o in objects if id(o) == number)
                held = self._watched[number] = (self._reference(value, number), set())
            held[1].add(key)

    def _reference(self, value: Any, number: int) -> Any:
        me = weakref.ref(self)

        def gone(_: Any) -> None:
            traces = me()
            if traces is not None:
                traces._bury(number)

        try:
            return weakref.ref(value, gone)
        except TypeError:  # cannot be referenced weakly: it is kept as long as its keys
            return value

    def _bury(self, number: int) -> None:
        _, keys = self._watched.pop(number, (None, ()))
        for key in list(keys):
            for table in (self.quick, self.families):
                table.pop(key, None)  # type: ignore[attr-defined]
            if key in self.kept:
                self._evict(key)


def _objects_of(key: Key) -> list[int]:
    return [key[i + 1] for i in range(0, len(key), 2) if key[i] is OBJECT]  # type: ignore[misc]


# --- threads --------------------------------------------------------------------------------------

_changed = threading.Condition(threading.Lock())
_waiting: dict[int, Turn] = {}  # threads, and the turn that each waits for


class Turn:
    """One thread traces a function at a time, unless waiting for it would never end.

    Two threads whose functions call one another would wait for each other: the one that would close
    the circle goes ahead.  So does one that holds Variables, which the tracing thread may want.
    """

    def __init__(self) -> None:
        self.holders: list[int] = []

    def __enter__(self) -> None:
        me = threading.get_ident()
        with _changed:
            while self.holders and me not in self.holders and not self._leads_to(me):
                _waiting[me] = self
                _changed.wait()
                del _waiting[me]
            self.holders.append(me)

    def _leads_to(self, me: int) -> bool:
        """Whether those who hold it wait for me."""
        if STATE_LOCK._is_owned():  # type: ignore[attr-defined]
            return True
        todo, seen = [self], set()
        while todo:
            for holder in todo.pop().holders:
                if holder == me:
                    return True
                if holder in _waiting and holder not in seen:
                    seen.add(holder)
                    todo.append(_waiting[holder])
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        with _changed:
            self.holders.remove(threading.get_ident())
            _changed.notify_all()
