"""``tf.sysconfig``: how this library was built; there is no C++ to build against."""

from __future__ import annotations

from pathlib import Path

CXX11_ABI_FLAG = MONOLITHIC_BUILD = CXX_VERSION = 0


def get_build_info() -> dict[str, bool]:
    return {"is_cuda_build": False, "is_rocm_build": False, "is_tensorrt_build": False}


def get_include() -> str:
    """The folder of the package: it has no headers."""
    return str(Path(__file__).parent)


get_lib = get_include


def get_compile_flags() -> list[str]:
    return []


get_link_flags = get_compile_flags
