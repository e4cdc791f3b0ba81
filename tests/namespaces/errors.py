"""What TensorFlow raises for wrong dtypes, shapes, axes, indices and values, recorded once.

``python -m tests.namespaces.errors`` (where tensorflow is installed) writes errors.txt anew: each
line is the class that TensorFlow raises (``-``: none) and the call.
"""

from __future__ import annotations

from typing import Any

from tests.namespaces.oracle import FOLDER, arrays, call

RECORD = FOLDER / "errors.txt"


def recorded() -> list[tuple[str, str]]:
    """TensorFlow's class and the call, line by line."""
    pairs = (line.partition("\t") for line in RECORD.read_text(encoding="utf-8").splitlines())
    return [(kind, line) for kind, _, line in pairs]


def outcome(tf: Any, line: str) -> list[str]:
    """The names of the classes of what a call raises; empty if it raises nothing."""
    try:
        call(tf, line, arrays())
    except Exception as error:
        return [c.__name__ for c in type(error).__mro__]
    return []


def record() -> None:
    import tensorflow as tf

    lines = [f"{(outcome(tf, line) or ['-'])[0]}\t{line}" for _, line in recorded()]
    RECORD.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
