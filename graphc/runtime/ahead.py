"""Compiling on a second core: a helper process works through a list of kernels from its end and
leaves them in the disk cache, where this process finds them when it comes there.

Nothing depends on the helper: what it has not done is compiled here, and whatever goes wrong with
it costs time only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from graphc import config
from graphc.runtime import cache

LEAST = 6  # missing kernels for which starting Python and numba once more pays
ROOT = Path(__file__).parents[2]
START = "from graphc.runtime.ahead import main; main()"


@contextmanager
def helped(texts: Sequence[str]) -> Iterator[None]:
    """Let a helper compile some of the kernels meanwhile, if it pays; it is gone afterwards."""
    helper = start(texts) if len(texts) >= LEAST and allowed() else None
    try:
        yield
    finally:
        if helper is not None:
            helper.kill()
            helper.wait()


def allowed() -> bool:
    """Whether the options let a helper be used, and there is a core for it."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return config.options().compile_helper and cores > 1 and bool(sys.executable)


def start(texts: Sequence[str]) -> subprocess.Popen[bytes] | None:
    """A process that compiles these kernels, the last one first; None if none can be had."""
    work = {
        "parent": os.getpid(), "cache": str(config.options().cache_dir),
        "texts": list(reversed(texts)),
    }  # fmt: skip
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    try:
        with tempfile.TemporaryFile() as given:
            given.write(json.dumps(work).encode())
            given.seek(0)
            return subprocess.Popen(
                [sys.executable, "-c", START], stdin=given, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env=environment,
            )  # fmt: skip
    except OSError:
        return None


def main() -> None:
    """The helper: compiles what stands in its input, until it is done or its parent is gone."""
    from graphc.runtime import loader  # it starts helpers, and this one starts none

    work = json.load(sys.stdin)
    options = replace(config.options(), cache_dir=Path(work["cache"]), compile_helper=False)
    with config.override(**vars(options)):
        for text in work["texts"]:
            if os.getppid() != work["parent"]:
                break
            if not cache.holds(cache.key_of(text)):
                loader.record(text)
