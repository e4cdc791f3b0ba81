"""Packages that few need: imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["extra"]


def extra(module: str, name: str, need: str) -> Any:
    """A module of a package that the extra ``name`` of graphc has.

    ``ImportError`` says what needs it and how to get it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{need}: pip install 'graphc[{name}]'") from error
