"""Packages that few need: asked for when they are used."""

from __future__ import annotations

from typing import Any


def h5py() -> Any:
    """HDF5 for Python; ``ImportError`` names the extra that has it."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "`.keras` and `.h5` files need h5py: pip install graphc[h5]; other names do not"
        ) from error
    return h5py
