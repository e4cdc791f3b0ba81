"""Settings for every test: a kernel cache of its own, and the checks that users do without."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import settings

# Compiling a kernel takes longer than hypothesis's patience, and CI must not fail by chance.
settings.register_profile("graphc", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("graphc")

_CACHE = pytest.StashKey[tempfile.TemporaryDirectory]()


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before the first `import graphc`, which reads it."""
    if "GRAPHC_CACHE_DIR" not in os.environ:
        config.stash[_CACHE] = tempfile.TemporaryDirectory(prefix="graphc-tests-")
        os.environ["GRAPHC_CACHE_DIR"] = config.stash[_CACHE].name
    os.environ.setdefault("GRAPHC_VERIFY", "1")  # the IR is verified after every pass
    os.environ.setdefault("GRAPHC_COMPILE_HELPER", "0")  # many small plans; test_ahead tests it


def pytest_unconfigure(config: pytest.Config) -> None:
    if _CACHE in config.stash:
        config.stash[_CACHE].cleanup()
