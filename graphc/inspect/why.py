"""Why something is not as fast as it might be: traced again, Python, numpy, not fused. And what
helps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.runtime.plan import Step


@dataclass(frozen=True)
class Answer:
    """One reason: the kind of question, the place in the user's source, the reason, a remedy."""

    question: str
    place: str
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        lines = [f"{self.question}: {self.place}", f"    {self.reason}"]
        return "\n".join([*lines, f"    remedy: {self.remedy}"] if self.remedy else lines)


def answers(function: Any, steps: Sequence[Any], plan_steps: Sequence[Step]) -> list[Answer]:
    """Every answer about a trace: of its function, its passes, its plan."""
    return [
        *_retraced(function), *_not_staged(function), *_not_compiled(plan_steps),
        *_not_fused(steps),
    ]  # fmt: skip


def _retraced(function: Any) -> Iterator[Answer]:
    for record in function.retraces:
        if record.number > 1:
            yield Answer("why traced again", record.caller, record.reason, _cure(record.changes))


def _cure(changes: Sequence[tuple[str, str, str]]) -> str:
    """What avoids a trace for such changes."""
    cures = []
    for path, old, new in changes:
        if "[" in old and "[" in new and old.split("[")[0] == new.split("[")[0]:
            cures.append("reduce_retracing=True, or an input_signature with None for that size")
        elif old.split(" ")[0] in ("int", "float", "bool"):
            cures.append(f"pass {path} as a tensor: tf.constant({path})")
        elif old.split("[")[0] != new.split("[")[0] and "[" in new:
            cures.append(f"convert {path} to one dtype before the call")
    return "; ".join(dict.fromkeys(cures))


def _not_staged(function: Any) -> Iterator[Answer]:
    for found in function.fallbacks:
        file = found.file.rsplit("/", 1)[-1]
        yield Answer(
            "why it runs as Python", f"{file}:{found.line}: {found.construct}", found.reason,
            "write the statement with tensor operations, or move it out of the function",
        )  # fmt: skip


def _not_compiled(plan_steps: Sequence[Step]) -> Iterator[Answer]:
    for step in plan_steps:
        if step.kind != "host" or step.node is None:
            continue
        names = ", ".join(f"%{v.name}" for v, _ in step.outputs)
        what = f"{names} = {step.node.op.name}" if names else step.node.op.name
        place = f"{step.node.loc}: {what}" if step.node.loc else what
        yield Answer("why it runs in numpy", place, step.reason)


def _not_fused(steps: Sequence[Any]) -> Iterator[Answer]:
    for step in steps:
        if step.name != "fuse":
            continue
        for refusal in step.declined:
            if refusal.node.op.name == "constant":
                continue
            names = ", ".join(f"%{v.name}" for v in refusal.node.outputs)
            what = f"{names} = {refusal.node.op.name}"
            place = f"{refusal.node.loc}: {what}" if refusal.node.loc else what
            yield Answer("why not fused", place, refusal.reason)
