"""Running a plan: instances with memory of their own, bound to the sizes of a call."""

from __future__ import annotations

import ctypes
import struct
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphc import config
from graphc.errors import FallbackWarning, InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.graph import Graph, Node, Value
from graphc.runtime import driver, interpreter, loader, scalars, threads
from graphc.runtime.calls import PIECES
from graphc.runtime.interpreter import GuardError, bind, check_guard, located, run_node
from graphc.runtime.plan import Buffer, HostStep, Plan, Step
from graphc.runtime.planner import make_plan

ALIGN = 64
_empty = np.empty  # called often: one look-up less
INSTANCES = 8  # bindings of sizes an executable keeps


@dataclass(frozen=True)
class KernelInfo:
    """A compiled kernel, for people."""

    text: str  # with the node and the user's line behind each line
    key: str
    seconds: float
    from_cache: bool
    uses: int
    path: Path | None = None  # of the source, where the disk cache keeps it
    compiling: float = 0.0  # seconds that compiling it took, now or when it was put in the cache


@dataclass(frozen=True)
class Memory:
    """Bytes of an executable."""

    arena: int
    constants: int
    values: int  # what the arena would be without reuse

    def __str__(self) -> str:
        reuse = f"(without reuse {self.values:,})"
        return f"arena {self.arena:,} bytes {reuse}, constants {self.constants:,}"


@dataclass(frozen=True)
class Timed:
    """One run of a step in a profile: seconds since the call began, seconds it took."""

    step: Step
    start: float
    seconds: float
    sizes: Mapping[str, int]  # of symbolic dims, as they were then


class Executable:
    """A graph that runs: natively, or in the interpreter where nothing can be compiled."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._lock = threading.Lock()
        self._free: dict[Any, list[Instance]] = {}
        self._plan: Plan | None = None
        self._static = all(v.type.is_static for v in graph.parameters)
        # text has no place in kernels' memory, and Variables of text are rare
        texts = any(s.value.type.dtype is dtypes.string for s in graph.state)
        self._interpreted = texts or not config.options().jit
        self._kernels: np.ndarray | None = None

    @property
    def plan(self) -> Plan:
        """The program, made when first needed."""
        if self._plan is None:
            with self._lock:
                if self._plan is None:
                    self._plan = make_plan(self.graph)
        return self._plan

    def run(self, arrays: list[np.ndarray], state: list[np.ndarray]) -> list[np.ndarray]:
        """Outputs for inputs; state arrays are updated in place if the call succeeds."""
        if self._interpreted:
            return self._interpret(arrays, state)
        key = None if self._static else tuple([a.shape for a in (*arrays, *state)])
        try:
            instance = self._take(key, arrays, state)
        except _Uncompiled as why:
            return self._give_up(why, arrays, state)
        try:
            return instance.run(arrays, state)
        finally:
            free = self._free.get(key)
            if free is not None:  # these sizes may have been forgotten meanwhile
                free.append(instance)

    def _give_up(
        self, why: _Uncompiled, arrays: list[np.ndarray], state: list[np.ndarray]
    ) -> list[np.ndarray]:
        """Interpret from now on, and say so once."""
        self._interpreted = True
        message = f"{self.graph.name} runs in the interpreter: {why}"
        warnings.warn(FallbackWarning(message), stacklevel=3)
        return self._interpret(arrays, state)

    def _take(
        self, key: Any, arrays: Sequence[np.ndarray], state: Sequence[np.ndarray]
    ) -> Instance:
        free = self._free.get(key)
        if free:
            try:
                return free.pop()
            except IndexError:  # another thread was quicker
                pass
        sizes: dict[str, int] = {}
        for value, array in zip(self.graph.parameters, (*arrays, *state), strict=True):
            bind(value, array, sizes)
        for guard in self.plan.guards:
            check_guard(guard, sizes)
        self._check_shapes(sizes, (*arrays, *state))
        made = Instance(self.plan, self._addresses(), sizes)
        with self._lock:
            while len(self._free) >= INSTANCES and key not in self._free:
                self._free.pop(next(iter(self._free)))
            self._free.setdefault(key, [])
        return made

    def _check_shapes(self, sizes: dict[str, int], arrays: Sequence[np.ndarray]) -> None:
        """Kernels trust the shapes: they must be those of the graph."""
        for value, array in zip(self.graph.parameters, arrays, strict=True):
            want = tuple(dims.evaluate(d, sizes) for d in value.type.shape)
            if array.shape != want or array.dtype != value.type.dtype.np:
                raise GuardError(
                    f"%{value.name} must be {value.type}, got {array.dtype}{array.shape}"
                )

    def _addresses(self) -> np.ndarray:
        if self._kernels is None:
            try:
                driver.native()
                self._kernels = np.array(loader.load(self.plan.texts) or [0], np.int64)
            except ImportError as error:
                raise _Uncompiled(f"the compiler is not installed ({error})") from error
        return self._kernels

    def _interpret(self, arrays: list[np.ndarray], state: list[np.ndarray]) -> list[np.ndarray]:
        results = interpreter.evaluate(self.graph, [*arrays, *state])
        count = len(self.graph.outputs)
        updated = [
            s for s, slot in zip(state, self.graph.state, strict=True) if slot.update is not None
        ]
        outputs = [np.array(r) for r in results[:count]]
        for target, new in zip(updated, [np.array(r) for r in results[count:]], strict=True):
            np.copyto(target, new)
        return outputs

    # --- for people ---

    def steps(self) -> list[Step]:
        return [self.plan.steps[i] for i in sorted(self.plan.steps)]

    @property
    def kernels(self) -> list[KernelInfo]:
        """The kernels, compiled if they were not."""
        self._addresses()
        found = []
        for text in self.plan.texts:
            users = [s for s in self.steps() if s.text == text]
            shown = next((s.kernel.annotated for s in users if s.kernel is not None), text)
            r = loader.record(text)
            known = r.key, r.seconds, r.from_cache, len(users), r.path, r.compiling
            found.append(KernelInfo(shown, *known))
        return found

    @property
    def memory(self) -> Memory:
        instance = next((i for free in self._free.values() for i in free), None)
        constants = sum(
            b.array.nbytes for b in self.plan.of_kind("constant") if b.array is not None
        )
        if instance is None:
            return Memory(0, constants, 0)
        return Memory(instance.arena.nbytes, constants, instance.total)

    def profile(self, arrays: list[np.ndarray], state: list[np.ndarray]) -> list[Timed]:
        """The steps of a call in the order they ran, one by one; state is not touched.

        Empty where the graph runs in the interpreter.
        """
        if self._interpreted:
            return []
        copies = [np.array(s) for s in state]
        key = None if self._static else tuple([a.shape for a in (*arrays, *copies)])
        instance = self._take(key, arrays, copies)
        return instance.profile(arrays, copies)


class _Uncompiled(Exception):
    """Why kernels cannot be had."""


class Instance:
    """Memory and slots for one call at a time."""

    def __init__(self, plan: Plan, kernels: np.ndarray, sizes: dict[str, int]) -> None:
        self.plan, self.bound, self.sizes = plan, dict(sizes), sizes
        self._stacks: dict[Buffer, np.ndarray] = {}
        self.code, self.rows = plan.program.assemble()
        self.kernels = kernels
        self.slots = np.zeros(plan.slots + 1, np.int64)
        self.values: dict[Buffer, Any] = {}  # arrays of host results
        self._kept: list[np.ndarray] = []
        self._place_arena()
        self._fill_numbers()
        self.header = np.zeros(driver.HEADER_SIZE, np.int64)
        self.header[:3] = [a.ctypes.data for a in (self.code, self.rows, kernels)]
        self.slots[PIECES] = 1
        if plan.is_spread:
            self.header[driver.SPREAD], self.header[driver.TEAM] = threads.spread(), threads.team()
        self._slots_at, self._header_at = self.slots.ctypes.data, self.header.ctypes.data
        self._native = driver.native()
        inputs, outputs, states = map(plan.of_kind, ("input", "output", "state"))
        boxed = [*inputs, *outputs, *states]  # their slots follow one another
        first = boxed[0].slot if boxed else 0
        self._pack = struct.Struct(f"{len(inputs) + len(outputs)}q").pack_into
        self._first, after = 8 * first, first + len(inputs) + len(outputs)
        self._state: list[np.ndarray] | None = None  # whose addresses `_state_ids` are
        self._state_ids = memoryview(np.zeros(len(states), np.int64))
        self._state_slots = memoryview(self.slots)[after : after + len(states)]
        self._made = [(self._shape(b), b.type.dtype.np) for b in outputs]
        self._given: tuple[Sequence[np.ndarray], ...] = ((), (), ())
        # whether there is more to do than the driver does: host steps, outputs without a place
        self._attended = bool(plan.host) or any(b.kind != "output" for _, b in plan.results)

    # --- memory ---

    def _shape(self, buffer: Buffer) -> tuple[int, ...]:
        """Sizes now; what only running tells counts as empty here."""
        return tuple(
            dims.evaluate(d, self.sizes) if dims.symbols(d) <= self.sizes.keys() else 0
            for d in buffer.type.shape
        )

    def _place_arena(self) -> None:
        """First fit by lifetime: buffers whose uses do not overlap share memory."""
        live: list[tuple[int, int, Buffer]] = []  # (offset, end, buffer)
        offsets: dict[Buffer, int] = {}
        size = self.total = 0
        for buffer in sorted(self.plan.of_kind("arena"), key=lambda b: b.first):
            live = [entry for entry in live if entry[2].last >= buffer.first]
            need = max(_bytes(buffer, self._shape(buffer)), 1)
            need = -(-need // ALIGN) * ALIGN
            offset = 0
            for start, end, _ in sorted(live, key=lambda entry: entry[0]):
                if offset + need <= start:
                    break
                offset = max(offset, end)
            live.append((offset, offset + need, buffer))
            offsets[buffer] = offset
            size = max(size, offset + need)
            self.total += need
        self.arena = np.zeros(size + ALIGN, np.uint8)
        base = -(-self.arena.ctypes.data // ALIGN) * ALIGN
        self._base = base - self.arena.ctypes.data
        for buffer, offset in offsets.items():
            self.slots[buffer.slot] = base + offset
        self._offsets = offsets

    def _fill_numbers(self) -> None:
        for number, slot in self.plan.numbers.items():
            if dims.symbols(number) <= self.sizes.keys():
                self.slots[slot] = dims.evaluate(number, self.sizes)
        for buffer in self.plan.of_kind("constant"):
            if buffer.array is not None and buffer.array.dtype != object:
                held = np.array(buffer.array, order="C", copy=True)
                self._kept.append(held)
                self.slots[buffer.slot] = held.ctypes.data

    # --- a call ---

    def run(self, arrays: list[np.ndarray], state: list[np.ndarray]) -> list[np.ndarray]:
        """Outputs for inputs; a list of state is never changed, but replaced by another one."""
        for a in arrays:
            if not a.flags.c_contiguous:
                arrays = [np.array(a, order="C", copy=None) for a in arrays]
                break
        outputs = [_empty(shape, dtype) for shape, dtype in self._made]
        self._pack(self.slots, self._first, *map(id, arrays), *map(id, outputs))
        if state:  # many, and mostly those of the last call: copied as a whole
            if state is not self._state:
                self._state, self._state_ids = state, memoryview(np.array([*map(id, state)]))
            self._state_slots[:] = self._state_ids
        status = self._native(self._slots_at, self._header_at)
        if status != driver.DONE or self._attended:
            self._given = (arrays, state, outputs)
            try:
                self._attend(status)
                outputs = self._host_outputs(outputs)
            finally:
                self.header[driver.PC] = 0
                self._given = ((), (), ())
                self.values.clear()
        return outputs

    def _attend(self, status: int) -> None:
        """Do what the driver returned for, until the program ends."""
        self.sizes = dict(self.bound)
        while status != driver.DONE:
            if status == driver.FAILED:
                self._fail()
            step = self.plan.host[int(self.header[driver.DETAIL])]
            if step.kind == "node":
                self._host_step(step.step)
            elif step.kind == "grow":
                self._grow(step)
            else:
                self._learn(step)
            status = self._native(self._slots_at, self._header_at)

    def _host_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """The outputs that had no place of their own are copied from where they are."""
        return [
            array if buffer.kind == "output" else np.array(self._view(buffer, value))
            for (value, buffer), array in zip(self.plan.results, outputs, strict=True)
        ]

    def _host_step(self, step: Step) -> None:
        """Do a node with numpy and give its results their slots."""
        assert step.node is not None
        arrays = [self._view(buffer, value) for value, buffer in step.inputs]
        sizes = dict(self.sizes)
        for (value, _), array in zip(step.inputs, arrays, strict=True):
            bind(value, array, sizes)
        with np.errstate(all="ignore"):
            results = run_node(step.node, arrays, sizes)
        learnt: dict[str, int] = {}
        for (value, buffer), result in zip(step.outputs, results, strict=True):
            if not result.flags.c_contiguous or any(np.may_share_memory(result, a) for a in arrays):
                result = np.array(result, order="C")
            self.values[buffer] = result
            bind(value, result, learnt)
            if result.dtype != object:
                self.slots[buffer.slot] = result.ctypes.data
        # what is known already keeps its memory: a loop may be adding up in it
        new = {s: n for s, n in learnt.items() if s not in self.bound and self.sizes.get(s) != n}
        self._bind(new)

    def _learn(self, step: HostStep) -> None:
        """A loop's length is known now."""
        (symbol,) = dims.symbols(step.size)
        self._bind({symbol: max(int(self.slots[step.slot]), 0)})

    def _bind(self, learnt: dict[str, int]) -> None:
        """Sizes that only running told: compute what depends on them and give it memory."""
        if not learnt:
            return
        self.sizes.update(learnt)
        for guard in self.plan.guards:
            check_guard(guard, self.sizes)
        for number, slot in self.plan.numbers.items():
            symbols = dims.symbols(number)
            if symbols & learnt.keys() and symbols <= self.sizes.keys():
                self.slots[slot] = dims.evaluate(number, self.sizes)
        for buffer in self.plan.of_kind("dynamic"):
            symbols = buffer.type.symbols
            if symbols & learnt.keys() and symbols <= self.sizes.keys():
                self.values[buffer] = held = np.empty(self._shape(buffer), buffer.type.dtype.np)
                self.slots[buffer.slot] = held.ctypes.data

    def _grow(self, step: HostStep) -> None:
        """Double a stack, keeping its rows; it stays for the next call."""
        assert step.stack is not None
        rows, row = int(self.slots[step.slot]), int(self.slots[step.row])
        larger = np.empty(max(2 * rows, 16) * max(row, 1), np.uint8)
        if rows:
            larger[: rows * row] = self._stacks[step.stack][: rows * row]
        self._stacks[step.stack] = larger
        self.slots[step.stack.slot] = larger.ctypes.data
        self.slots[step.slot] = max(2 * rows, 16)

    def _view(self, buffer: Buffer, value: Value) -> np.ndarray:
        """The array of a buffer as it is now."""
        inputs, state, outputs = self._given
        shape = self._value_shape(value)
        if buffer.kind == "host":
            return self.values[buffer].reshape(shape)
        if buffer.kind == "constant":
            return buffer.array.reshape(shape)  # type: ignore[union-attr]
        if buffer.kind in ("input", "state", "output"):
            held = {"input": inputs, "state": state, "output": outputs}[buffer.kind][buffer.place]
            return held.reshape(shape)
        return self._memory(int(self.slots[buffer.slot]), shape, value.type.dtype.np)

    def _value_shape(self, value: Value) -> tuple[int, ...]:
        return tuple(dims.evaluate(d, self.sizes) for d in value.type.shape)

    def _memory(self, address: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """A copy of what lies at an address: it may be reused before the copy is."""
        count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        raw = ctypes.string_at(address, count) if count else b""
        return np.frombuffer(raw, dtype).reshape(shape)

    # --- errors ---

    def _fail(self) -> None:
        """Turn a kernel's error code into an exception at the user's line."""
        at, code = int(self.header[driver.PC]), int(self.header[driver.DETAIL])
        step = self.plan.steps[at]
        node = step.failures[code // scalars.KINDS]
        raise located(self._exception(step, node, code % scalars.KINDS), node)

    def _exception(self, step: Step, node: Node, kind: int) -> Exception:
        """The numpy rule's own words if it fails on the same values, else short ones."""
        assert step.node is not None
        try:
            with np.errstate(all="ignore"):
                run_node(step.node, [self._view(b, v) for v, b in step.inputs], dict(self.sizes))
        except Exception as error:
            return error
        if kind == scalars.OUT_OF_RANGE:
            index, size = (int(v) for v in self.slots[:2])
            return InvalidArgumentError(f"{node.op.name}: {index} is not in [0, {size})")
        return InvalidArgumentError(f"{node.op.name}: {scalars.FAILURES[kind]}")

    # --- profile ---

    def profile(self, arrays: list[np.ndarray], state: list[np.ndarray]) -> list[Timed]:
        """When each step of one call ran: the program is stopped before each of them."""
        stops = _Stops(self)
        try:
            self.run(arrays, state)
        finally:
            stops.close()
        return stops.seen


class _Stops:
    """Runs an instance one instruction at a time, by a HALT behind the one that is due."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.seen: list[Timed] = []
        self.code = instance.code.copy()
        self.native = instance._native
        self.begin = time.perf_counter()
        self.idle = self._idle()
        self.host = instance._host_step
        instance._native = self.step  # type: ignore[method-assign]
        instance._host_step = self.host_step  # type: ignore[method-assign]

    def _note(self, step: Step, start: float, seconds: float) -> None:
        own = max(seconds - self.idle, 0.0)
        self.seen.append(Timed(step, start - self.begin, own, self.instance.sizes))

    def host_step(self, step: Step) -> None:
        start = time.perf_counter()
        self.host(step)
        self._note(step, start, time.perf_counter() - start)

    def _idle(self) -> float:
        """Seconds that entering and leaving the driver takes: not the steps' own."""
        self.instance.code[...] = [driver.Op.HALT, 0, 0, 0]
        slots, header = self.instance._slots_at, self.instance._header_at
        return min(self._timed(slots, header)[1] for _ in range(20))

    def _timed(self, slots: int, header: int) -> tuple[int, float]:
        start = time.perf_counter()
        status = self.native(slots, header)
        return status, time.perf_counter() - start

    def close(self) -> None:
        del self.instance._host_step
        self.instance._native = self.native
        self.instance.code[...] = self.code

    def step(self, slots: int, header: int) -> int:
        """Run until the program ends, fails or wants the host."""
        held, code = self.instance.header, self.instance.code
        while True:
            at = int(held[driver.PC])
            code[...] = [driver.Op.HALT, 0, 0, 0]
            code[at] = self.code[at]
            target = self._next(at)
            start = time.perf_counter()
            status, seconds = self._timed(slots, header)
            step = self.instance.plan.steps.get(at)
            if step is not None and step.kind != "host":  # those are timed when they are done
                self._note(step, start, seconds)
            if status != driver.DONE or self.code[at][0] == driver.Op.HALT:
                return status
            held[driver.PC] = target()

    def _next(self, at: int) -> Callable[[], int]:
        """Where the program goes on, to be asked after the instruction ran."""
        op, a, b, c = (int(v) for v in self.code[at])
        slots = self.instance.slots
        if op == driver.Op.JUMP:
            return lambda: a
        if op == driver.Op.JUMP_FALSE:
            held = ctypes.c_uint8.from_address(int(slots[b])).value
            return lambda: at + 1 if held else a
        if op == driver.Op.JUMP_GE:
            return lambda: a if slots[b] >= slots[c] else at + 1
        if op == driver.Op.JUMP_LT:
            return lambda: a if slots[b] < slots[c] else at + 1
        return lambda: at + 1


def _bytes(buffer: Buffer, shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64)) * buffer.type.dtype.size
