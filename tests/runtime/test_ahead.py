"""The compiling helper: leaves kernels in the cache, and nothing depends on it."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid

import pytest

from graphc import config
from graphc.runtime import ahead, cache, loader


def kernels(count: int) -> list[str]:
    """Kernels that nobody has compiled before."""
    mark = uuid.uuid4().hex
    body = "def kernel(slots, row):\n    return {}\n"
    return [f'"""{mark} {i}"""\n\n\n{body.format(i)}' for i in range(count)]


@pytest.fixture
def own(tmp_path):
    with config.override(cache_dir=tmp_path / "kernels", compile_helper=True):
        yield


def test_a_helper_leaves_kernels_in_the_cache(own) -> None:
    texts = kernels(2)
    helper = ahead.start(texts)
    assert helper is not None and helper.wait(120) == 0
    assert all(cache.holds(cache.key_of(text)) for text in texts)
    assert all(loader.record(text).from_cache for text in texts)


def test_what_is_loaded_with_a_helper_is_right_and_the_helper_is_gone(own, monkeypatch) -> None:
    started = []

    def start(texts):
        started.append((real(texts), len(texts)))
        return started[-1][0]

    real = ahead.start
    monkeypatch.setattr(ahead, "start", start)
    monkeypatch.setattr(ahead, "allowed", lambda: True)
    texts = kernels(ahead.LEAST)
    addresses = loader.load([*texts, *texts])
    assert len(set(addresses)) == ahead.LEAST and addresses[: ahead.LEAST] * 2 == addresses
    (helper, count) = started[0]
    assert count == ahead.LEAST and helper.poll() is not None
    assert loader.load(texts) == addresses[: ahead.LEAST] and len(started) == 1


def test_without_need_leave_or_cores_there_is_none(own, monkeypatch) -> None:
    monkeypatch.setattr(ahead, "start", lambda texts: pytest.fail("none should start"))
    loader.load(kernels(ahead.LEAST - 1))
    with config.override(compile_helper=False):
        assert not ahead.allowed()
    if hasattr(ahead.os, "sched_getaffinity"):
        monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda process: {0})
        assert not ahead.allowed()


@pytest.mark.parametrize("program", ["/no/such/python", sys.executable])
def test_a_helper_that_fails_costs_nothing(own, monkeypatch, program: str) -> None:
    monkeypatch.setattr(ahead, "allowed", lambda: True)
    monkeypatch.setattr(ahead.sys, "executable", program)
    monkeypatch.setattr(ahead, "START", "raise SystemExit(3)")
    assert len(set(loader.load(kernels(ahead.LEAST)))) == ahead.LEAST


def test_a_helper_ends_with_its_parent(own) -> None:
    texts = kernels(40)
    code = (
        "from graphc import config\nfrom pathlib import Path\nfrom graphc.runtime import ahead\n"
        f"texts = {texts!r}\n"
        f"with config.override(cache_dir=Path({str(config.options().cache_dir)!r})):\n"
        "    print(ahead.start(texts).pid)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().isdigit(), done.stderr
    time.sleep(3)  # time enough for all of them
    assert sum(cache.holds(cache.key_of(text)) for text in texts) <= 1
