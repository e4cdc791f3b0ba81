"""Kernels are compiled once, found again, and never trusted when damaged."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import numpy as np
import pytest

from graphc import config
from graphc.errors import CacheWarning
from graphc.runtime import cache, loader
from graphc.runtime.memory import KERNEL
from tests.runtime.kernels import ADD_ONE, elementwise, run, slots_of


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A loader that has loaded nothing, and an empty cache."""
    monkeypatch.setattr(loader, "_records", {})
    monkeypatch.setattr(cache, "_seen", {})
    monkeypatch.setattr(cache, "_warned", set())
    with config.override(cache_dir=tmp_path / "kernels"):
        yield tmp_path / "kernels"


def works(n: int = 1) -> bool:
    cell = np.zeros(1, np.int64)
    return run(ADD_ONE.format(n=n), cell) == 0 and cell[0] == n


def test_equal_texts_have_one_address(fresh) -> None:
    a, b, c = loader.load([ADD_ONE.format(n=1), ADD_ONE.format(n=2), ADD_ONE.format(n=1)])
    assert a == c != b
    assert len(loader.statistics()) == 2


def test_a_record_says_what_happened(fresh) -> None:
    text = ADD_ONE.format(n=1)
    record = loader.record(text)
    assert not record.from_cache and record.seconds > 0
    assert loader.record(record.address) is record
    assert record.path is not None and "p[0] += 1" in record.path.read_text()
    assert "i64" in record.llvm() and "ret" in record.assembly()


def test_a_second_process_would_find_it_in_the_cache(fresh) -> None:
    assert works() and works(2)
    loader._records.clear()
    assert works() and works(2)
    assert all(record.from_cache for record in loader.statistics())


@pytest.mark.parametrize("code", [b"", b"garbage", b"\x7fELF" + bytes(200)])
def test_an_entry_that_llvm_cannot_link_is_compiled_again(fresh, code) -> None:
    text = ADD_ONE.format(n=1)
    key = cache.key_of(text)
    cache.write(key, cache.Entry(f"graphc_{key}", code), "")
    assert works() and not loader.record(text).from_cache
    loader._records.clear()
    assert works() and loader.record(text).from_cache


def test_an_entry_without_its_function_is_compiled_again(fresh) -> None:
    first, second = ADD_ONE.format(n=1), ADD_ONE.format(n=2)
    loader.load([first])
    other = cache.read(cache.key_of(first))
    key = cache.key_of(second)
    cache.write(key, cache.Entry(f"graphc_{key}", other.code), "")
    assert works(2)


def test_a_truncated_object_is_compiled_again(fresh) -> None:
    text = ADD_ONE.format(n=1)
    loader.load([text])
    key = cache.key_of(text)
    entry = cache.read(key)
    cache.write(key, cache.Entry(entry.symbol, entry.code[: len(entry.code) // 2]), "")
    loader._records.clear()
    assert works()


def test_a_missing_symbol_is_an_error_and_no_crash(fresh, monkeypatch) -> None:
    import llvmlite.binding as llvm

    from graphc.runtime import compiler

    module = llvm.parse_assembly(
        "declare i32 @no_such_function()\n"
        "define i32 @kernel(ptr %a, ptr %b) { %r = call i32 @no_such_function() ret i32 %r }"
    )
    code = compiler._target_machine.emit_object(module)
    with pytest.raises(RuntimeError, match="symbol"):
        loader._link(cache.Entry("kernel", code))
    assert works()  # the linker is still usable


def test_without_a_usable_folder_everything_still_works(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(loader, "_records", {})
    monkeypatch.setattr(cache, "_seen", {})
    monkeypatch.setattr(cache, "_warned", set())
    (tmp_path / "file").write_text("")
    with config.override(cache_dir=tmp_path / "file" / "k"), pytest.warns(CacheWarning) as found:
        assert works() and works(2)
    assert len(found) == 1


def test_threads_load_and_run_the_same_kernels(fresh) -> None:
    texts = [ADD_ONE.format(n=n) for n in range(1, 5)]
    results: list[list[int]] = []

    def work() -> None:
        addresses = loader.load(texts)
        cell, row = np.zeros(1, np.int64), np.zeros(1, np.int64)
        slots = slots_of([cell])
        for _ in range(100):
            for address in addresses:
                KERNEL(address)(slots.ctypes.data, row.ctypes.data)
        results.append([*addresses, int(cell[0])])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6 and all(r == results[0] and r[-1] == 1000 for r in results)
    assert len(loader.statistics()) == 4


def test_numba_explains_a_wrong_kernel(fresh) -> None:
    with pytest.raises(Exception, match="nonsense"):
        loader.load(["def kernel(slots, row):\n    return nonsense(slots)\n"])
    assert works()


def test_scoped_buffers_and_bools(fresh) -> None:
    text = """def kernel(slots, row):
    x = buf_f32(slots[row[0]], 0)
    flag = buf_b1(slots[row[1]], 1)
    out = buf_f32(slots[row[2]], 2)
    for i in range(slots[row[3]]):
        flag[i] = x[i] > f32(0) and not flag[i]
        out[i] = x[i] if flag[i] else f32(-1)
    return 0
"""
    x = np.array([1, -1, 2, 3], np.float32)
    flag, out = np.array([False, False, True, False]), np.zeros(4, np.float32)
    assert run(text, x, flag, out, 4) == 0
    assert flag.tolist() == [True, False, False, True]
    assert out.tolist() == [1, -1, -1, 3]


def test_division_by_zero_is_infinite_in_vector_code_too(fresh) -> None:
    x = np.ones(100, np.float32)
    y = np.tile(np.array([0.0, -0.0, 1e-40, np.inf], np.float32), 25)
    with np.errstate(all="ignore"):
        assert np.array_equal(elementwise("x[i] / y[i]", x, y), x / y)


# --- other processes ------------------------------------------------------------------------------

SCRIPT = """
import sys
import numpy as np
from tests.runtime.kernels import ADD_ONE, run
from graphc.runtime import driver, loader
driver.native()
cell = np.zeros(1, np.int64)
assert run(ADD_ONE.format(n=1), cell) == 0 and cell[0] == 1
print([r.from_cache for r in loader.statistics()], "numba" in sys.modules, "scipy" in sys.modules)
"""


def process(folder: Path, **environment: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"GRAPHC_CACHE_DIR": str(folder)} | environment,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def test_a_process_with_a_warm_cache_does_not_import_numba(tmp_path) -> None:
    assert process(tmp_path / "kernels").startswith("[False, False]")
    assert process(tmp_path / "kernels") == "[True, True] False False"


def test_two_cold_processes_at_once(tmp_path) -> None:
    outputs: list[str] = []
    threads = [
        threading.Thread(target=lambda: outputs.append(process(tmp_path / "k"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outputs) == 2
    assert process(tmp_path / "k") == "[True, True] False False"


def test_kernels_run_as_python_for_breakpoints(tmp_path) -> None:
    assert process(tmp_path / "k", NUMBA_DISABLE_JIT="1") == "[False, False] False False"


def test_a_kernel_run_as_python_comes_from_its_file(fresh, monkeypatch) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    places: list[str] = []
    monkeypatch.setattr("builtins.breakpoint", lambda: places.append(traceback.extract_stack()[-2]))
    text = ADD_ONE.format(n=1).replace("    return 0", "    breakpoint()\n    return 0")
    cell = np.zeros(1, np.int64)
    assert run(text, cell) == 0 and cell[0] == 1
    assert Path(places[0].filename).parent == fresh and places[0].line == "breakpoint()"
