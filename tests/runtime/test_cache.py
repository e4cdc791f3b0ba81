"""The kernel cache survives whatever may happen to its files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from graphc import config
from graphc.errors import CacheWarning
from graphc.runtime import cache, loader
from graphc.runtime.cache import Entry

ENTRY = Entry("graphc_k", bytes(range(256)) * 10)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_seen", {})
    monkeypatch.setattr(cache, "_warned", set())
    with config.override(cache_dir=tmp_path / "kernels"):
        yield tmp_path / "kernels"


def stored(folder: Path) -> Path:
    return next(folder.glob("*.kernel"))


def test_what_is_written_can_be_read(folder) -> None:
    path = cache.write("k", ENTRY, "x = 1\n")
    assert path is not None and path.read_text() == "x = 1\n"
    assert cache.read("k") == ENTRY
    assert cache.read("other") is None


def test_the_folder_is_private(folder) -> None:
    cache.write("k", ENTRY, "")
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [
    lambda raw: b"", lambda raw: raw[:20], lambda raw: raw[:-1], lambda raw: raw + b"x",
    lambda raw: raw[:-5] + b"abcde", lambda raw: b"\x7fELF" + raw, lambda raw: os.urandom(len(raw)),
    lambda raw: raw.replace(b"sha256", b"sha257"), lambda raw: cache.MAGIC + b"[1, 2]\n",
    lambda raw: cache.MAGIC + b'{"symbol": 1}\n',
])  # fmt: skip
def test_a_damaged_entry_is_a_miss_and_is_rewritten(folder, damage) -> None:
    cache.write("k", ENTRY, "")
    path = stored(folder)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.read("k") is None
    cache.write("k", ENTRY, "")
    assert cache.read("k") == ENTRY


def test_an_entry_under_another_name_is_a_miss(folder) -> None:
    cache.write("k", ENTRY, "")
    stored(folder).rename(folder / "other.kernel")
    assert cache.read("other") is None


def test_a_folder_that_cannot_be_made_costs_one_warning(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cache, "_seen", {})
    monkeypatch.setattr(cache, "_warned", set())
    (tmp_path / "file").write_text("")
    with (
        config.override(cache_dir=tmp_path / "file" / "kernels"),
        pytest.warns(CacheWarning) as found,
    ):
        assert cache.write("k", ENTRY, "") is None
        assert cache.read("k") is None
        assert cache.write("l", ENTRY, "") is None
    assert len(found) == 1


def test_a_full_disk_costs_one_warning(folder, monkeypatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(CacheWarning) as found:
        assert cache.write("k", ENTRY, "") is None
        assert cache.write("l", ENTRY, "") is None
    assert len(found) == 1
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are POSIX")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_is_not_used(folder, mode) -> None:
    cache.write("k", ENTRY, "")
    folder.chmod(mode)
    cache._seen.clear()
    with pytest.warns(CacheWarning, match="another user"):
        assert cache.read("k") is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are POSIX")
def test_a_folder_of_another_user_is_not_used(folder, monkeypatch) -> None:
    cache.write("k", ENTRY, "")
    cache._seen.clear()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.warns(CacheWarning, match="another user"):
        assert cache.read("k") is None


def test_a_removed_folder_is_made_again(folder) -> None:
    cache.write("k", ENTRY, "")
    cache.clear()
    folder.rmdir()
    assert cache.read("k") is None
    assert cache.write("k", ENTRY, "") is not None


def test_clear_removes_kernels_and_sources_and_nothing_else(folder) -> None:
    cache.write("k", ENTRY, "source")
    (folder / "notes.txt").write_text("mine")
    (folder / "mine.py").write_text("mine")
    assert len(list(cache.entries())) == 2 and cache.size() > len(ENTRY.code)
    assert cache.clear() == 2
    assert sorted(p.name for p in folder.iterdir()) == ["mine.py", "notes.txt"]


def test_the_key_depends_on_text_and_environment(monkeypatch) -> None:
    key = cache.key_of("a")
    assert key != cache.key_of("b")
    monkeypatch.setattr(cache, "environment", lambda: "another machine")
    assert key != cache.key_of("a")


WRITER = """
from graphc.runtime import cache, loader
for i in range(50):
    entry = cache.Entry("k", bytes([i % 5]) * 10_000)
    cache.write(f"k{i % 5}", entry, "source")
    assert cache.read(f"k{i % 5}") == entry
"""


def test_many_processes_write_the_same_entries(folder) -> None:
    environment = os.environ | {"GRAPHC_CACHE_DIR": str(folder)}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", WRITER]
    writers = [subprocess.Popen(command, env=environment, cwd=root) for _ in range(3)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert not [p for p in folder.iterdir() if p.name.startswith(".tmp")]


def test_no_warning_when_all_is_well(folder) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.write("k", ENTRY, "")
        cache.read("k")


def aged(path: Path, days: float) -> None:
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


def test_what_was_unused_for_longest_goes_first(folder) -> None:
    for days, key in enumerate("abcdefgh"):
        cache.write(key, ENTRY, "")
        aged(folder / f"{key}.kernel", days + 2)
        aged(folder / f"k_{key}.py", days + 2)
    assert cache.read("h") == ENTRY  # used now: no longer the oldest
    one = (folder / "a.kernel").stat().st_size
    with config.override(cache_bytes=8 * one):
        assert cache.trim() == 0
    with config.override(cache_bytes=8 * one - 1):
        assert cache.trim() == 3  # to three quarters, so that it is not done again at once
    kept = [key for key in "abcdefgh" if cache.read(key)]
    assert kept == ["a", "b", "c", "d", "h"]


def test_loading_kernels_keeps_the_cache_below_its_bound(folder) -> None:
    text = "def kernel(slots, row):\n    slots[0] = 4711\n    return 0\n"
    cache.write("old", ENTRY, "")
    aged(stored(folder), 1)
    with config.override(cache_bytes=1000):
        loader.load([text])
    assert cache.read("old") is None
