"""Why a function was traced: a record for each trace, and a warning when there are many."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from dataclasses import dataclass

from graphc.errors import RetraceWarning
from graphc.trace.state import is_own, user_loc

RETRACE_LIMIT = 5  # more traces than this earn a warning, and then every fifth


@dataclass(frozen=True)
class Retrace:
    """Why a trace was made: arguments that differ from the nearest one before, the caller."""

    number: int
    changes: tuple[tuple[str, str, str], ...]  # path, before, now
    caller: str

    def __str__(self) -> str:
        return f"trace {self.number}: {self.reason} (called at {self.caller})"

    @property
    def reason(self) -> str:
        if not self.changes:
            return "first call" if self.number == 1 else "nothing before is like it"
        return "; ".join(f"{path} was {old}, now {new}" for path, old, new in self.changes)


class History:
    """The last traces of a function, with the arguments that they were made for."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.records: deque[Retrace] = deque(maxlen=size)
        self._described: deque[dict[str, str]] = deque(maxlen=size)

    def note(self, shown: dict[str, str]) -> Retrace:
        """Record that arguments described as ``shown`` are traced."""
        self.count += 1
        record = Retrace(self.count, self._changes(shown), str(user_loc() or "?"))
        self.records.append(record)
        self._described.append(shown)
        return record

    def undo(self, record: Retrace, shown: dict[str, str]) -> None:
        """Forget a trace that failed."""
        self.count -= 1
        self.records = deque((r for r in self.records if r is not record), self.records.maxlen)
        kept = (d for d in self._described if d is not shown)
        self._described = deque(kept, self._described.maxlen)

    def _changes(self, shown: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
        """What differs from the most similar arguments before, the latest of those."""
        if not self._described:
            return ()
        nearest = min(
            reversed(self._described),
            key=lambda old: (
                sum(old.get(p) != t for p, t in shown.items()) + abs(len(old) - len(shown))
            ),
        )
        return tuple(
            (p, nearest.get(p, "absent"), shown.get(p, "absent"))
            for p in dict.fromkeys((*shown, *nearest))
            if nearest.get(p) != shown.get(p)
        )

    def warn(self, name: str, record: Retrace) -> None:
        """Warn at the caller's line if there are too many traces."""
        if self.count > RETRACE_LIMIT and self.count % RETRACE_LIMIT == 1:
            warnings.warn(
                RetraceWarning(
                    f"{name} was traced {self.count} times; last: {record}. Pass tensors instead of"
                    " Python numbers, give an input_signature with None for sizes that vary, or use"
                    " reduce_retracing=True."
                ),
                stacklevel=user_stacklevel(),
            )


def user_stacklevel() -> int:
    """The stack level of the user's frame, as `warnings.warn` counts from its caller."""
    level, frame = 0, sys._getframe(1)
    while frame is not None and is_own(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1  # type: ignore[assignment]
    return level + 1
