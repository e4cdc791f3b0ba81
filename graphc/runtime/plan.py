"""A graph as a program of the driver: schedule, buffers, kernels, host steps.

Whatever can fail runs before anything is written to state, or state is written by copies at the
very end; so a call either succeeds or leaves every Variable as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphc.ir.dims import DimLike
from graphc.ir.graph import Graph, Node, Value
from graphc.ir.types import TensorType
from graphc.runtime.driver import Op, Program
from graphc.runtime.nesttext import KernelText

RESERVED = 8  # the first slots: details of an error


@dataclass(eq=False)
class Buffer:
    """Memory of a value: ``kind`` says whose it is.

    input, state, output: the caller's; constant, arena: the instance's; host: the array of a host
    step; dynamic, growing: made when its size is known; moving: a window on another buffer.
    """

    kind: str
    type: TensorType
    slot: int
    name: str
    first: int = 0  # instructions between which an arena buffer is in use
    last: int = 0
    array: np.ndarray | None = None  # of a constant
    place: int = 0  # number among the inputs, state or outputs


@dataclass
class Step:
    """What one instruction does, for people and for error messages."""

    kind: str  # kernel, host, copy
    node: Node | None
    text: str = ""  # of the kernel
    reason: str = ""  # why it runs on the host
    inputs: tuple[tuple[Value, Buffer], ...] = ()
    outputs: tuple[tuple[Value, Buffer], ...] = ()
    in_place: tuple[str, ...] = ()
    failures: tuple[Node, ...] = ()  # the nodes that can stop the kernel, by number
    kernel: KernelText | None = None  # of a loop nest
    pieces: DimLike = 1  # that threads may run at the same time

    def __str__(self) -> str:
        where = f"  {self.node.loc}" if self.node is not None and self.node.loc else ""
        given = ", ".join(f"%{v.name}" for v, _ in self.outputs)
        what = self.node.op.name if self.node is not None else ""
        if self.node is not None and "body" in self.node.regions and what == "fused":
            what = "fused " + " ".join(n.op.name for n in self.node.regions["body"].nodes)
        more = f"  ({self.reason})" if self.reason else ""
        placed = f"  in place: {', '.join(self.in_place)}" if self.in_place else ""
        cut = f"  in {self.pieces} pieces" if self.pieces != 1 else ""
        across = "  across rows" if self.kernel is not None and self.kernel.across else ""
        return f"{self.kind:7} {given} = {what}{placed}{across}{cut}{more}{where}"


@dataclass(frozen=True)
class HostStep:
    """What the driver returns to Python for: a node, a size to learn, a stack to enlarge."""

    kind: str  # node, bind, grow
    step: Step | None = None
    size: DimLike | None = None  # bind: what is learnt
    slot: int = 0  # bind: the number; grow: the capacity
    row: int = 0  # grow: slot of a row's bytes
    stack: Buffer | None = None


@dataclass
class Plan:
    """Everything that is known before sizes are: a program, its kernels and its buffers."""

    graph: Graph
    program: Program = field(default_factory=Program)
    steps: dict[int, Step] = field(default_factory=dict)  # by instruction
    host: list[HostStep] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # kernels, each once
    buffers: list[Buffer] = field(default_factory=list)
    numbers: dict[DimLike, int] = field(default_factory=dict)  # number -> slot
    slots: int = RESERVED
    bound: frozenset[str] = frozenset()  # symbols that the shapes of inputs and state tell
    guards: list[Node] = field(default_factory=list)
    results: list[tuple[Value, Buffer]] = field(default_factory=list)  # of the outputs
    commits: list[tuple[Buffer, Buffer]] = field(default_factory=list)
    declined: list[tuple[Node, str]] = field(default_factory=list)  # why not one kernel

    # --- slots ---

    def new_slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def number(self, value: DimLike) -> int:
        """A slot that holds a size, a number or an address known when the program is bound."""
        if value not in self.numbers:
            self.numbers[value] = self.new_slot()
        return self.numbers[value]

    def buffer(self, kind: str, type: TensorType, name: str, **more: Any) -> Buffer:
        made = Buffer(kind, type, self.new_slot(), name, **more)
        self.buffers.append(made)
        return made

    def kernel(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)

    def on_host(self, step: HostStep) -> int:
        self.host.append(step)
        return len(self.host) - 1

    def of_kind(self, kind: str) -> list[Buffer]:
        return [b for b in self.buffers if b.kind == kind]

    @property
    def is_spread(self) -> bool:
        """Whether a kernel's work is cut into pieces."""
        return any(op == Op.CALL and pieces for op, _, _, pieces in self.program.lines)

    @property
    def here(self) -> int:
        """The number of the next instruction."""
        return len(self.program.lines)

    @property
    def text(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [str(self.steps[i]) for i in sorted(self.steps)]
        lines += [f"commit  %{b.name} <- %{a.name}" for b, a in self.commits]
        lines += [f"jumps   {n.op.name} is not one kernel: {w}  {n.loc}" for n, w in self.declined]
        return "\n".join(lines) or "nothing to do"


Env = dict[Value, Buffer]


@dataclass(frozen=True)
class Target:
    """Where a value should be written, and the value that lives there until then."""

    buffer: Buffer
    old: Value | None = None
    late_only: bool = False  # state: only when nothing after it can fail
