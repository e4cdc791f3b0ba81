"""Lists of any length as rows of one array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def pad_sequences(
    sequences: Iterable[Sequence[Any]], maxlen: int | None = None, dtype: Any = "int32",
    padding: str = "pre", truncating: str = "pre", value: Any = 0.0,
) -> np.ndarray:  # fmt: skip
    """Lists of any length as rows of one array [count, maxlen, ...].

    Short ones are filled with ``value`` and long ones cut off, at the "pre" or the "post" end.
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f'{name.capitalize()} type "{side}" not understood')
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable and have a length")
    rows = list(sequences)
    for row in rows:
        if not hasattr(row, "__len__"):
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {row}")
    maxlen = max(map(len, rows), default=0) if maxlen is None else maxlen
    item = next((np.asarray(row).shape[1:] for row in rows if len(row)), ())
    textual = np.issubdtype(dtype, np.str_)
    if isinstance(value, str) and dtype is not object and not textual:
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\n"
            "You should set `dtype=object` for variable length strings."
        )
    made = np.full((len(rows), maxlen, *item), value, dtype)
    for target, row in zip(made, rows, strict=True):
        kept = row[-maxlen:] if truncating == "pre" else row[:maxlen]
        if not len(kept) or not maxlen:
            continue
        kept = np.asarray(kept, dtype)
        if kept.shape[1:] != item:
            raise ValueError(
                f"Shape of sample {kept.shape[1:]} of sequence is different from expected {item}"
            )
        if padding == "post":
            target[: len(kept)] = kept
        else:
            target[-len(kept) :] = kept
    return made
