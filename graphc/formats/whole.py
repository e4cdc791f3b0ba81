"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole_file"]


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A path beside ``target`` to write to; it takes its name when all is written.

    If the block raises, what was there before is untouched and nothing else is left.  The file has
    the permissions of any new file, which those of ``tempfile`` have not.
    """
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        yield part
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
