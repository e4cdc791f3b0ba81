"""Options come from the environment, and can be overridden for a block."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphc import config


@pytest.fixture
def environment(monkeypatch):
    for name in ("GRAPHC_CACHE_DIR", "XDG_CACHE_HOME", "GRAPHC_JIT", "GRAPHC_VERIFY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_cache_is_in_the_users_cache_folder(environment) -> None:
    environment.setenv("HOME", "/home/ada")
    assert config._from_environment().cache_dir == Path("/home/ada/.cache/graphc")
    environment.setenv("XDG_CACHE_HOME", "/var/ada")
    assert config._from_environment().cache_dir == Path("/var/ada/graphc")
    environment.setenv("XDG_CACHE_HOME", "relative")  # the standard says to ignore it
    assert config._from_environment().cache_dir == Path("/home/ada/.cache/graphc")
    environment.setenv("GRAPHC_CACHE_DIR", "/tmp/kernels")
    assert config._from_environment().cache_dir == Path("/tmp/kernels")


def test_without_a_home_the_cache_is_among_the_temporary_files(environment) -> None:
    environment.setattr("os.path.expanduser", lambda path: path)
    found = config._from_environment().cache_dir
    assert found.is_absolute() and found.name.startswith("graphc-")


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("on", True), ("OFF", False), ("0", False), ("nonsense", True)]
)
def test_flags_are_read_in_several_spellings(environment, text: str, value: bool) -> None:
    environment.setenv("GRAPHC_JIT", text)
    assert config._from_environment().jit is value


def test_override_ends_with_its_block() -> None:
    before = config.options()
    with pytest.raises(RuntimeError), config.override(jit=not before.jit) as changed:
        assert config.options() is changed and changed.jit is not before.jit
        raise RuntimeError
    assert config.options() is before
