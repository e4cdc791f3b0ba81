"""The driver runs programs, natively and, from the same text, as Python."""

from __future__ import annotations

import ctypes
import platform
import sys
import threading
from typing import Any

import numpy as np
import pytest

from graphc.runtime import driver, loader
from graphc.runtime.driver import AT_HOST, DONE, FAILED, FLUSH, Op, Program
from tests.runtime.kernels import ADD_ONE, slots_of

DOUBLE = """def kernel(slots, row):
    slots[row[0]] = 2 * slots[row[1]]
    return 0
"""
FAIL = """def kernel(slots, row):
    return 7 if slots[row[0]] > 2 else 0
"""


@pytest.fixture(params=["native", "python"], scope="module")
def engine(request) -> Any:
    """``run(slots address, header address)``"""
    if request.param == "native":
        return driver.native()
    interpreted = loader._interpreted("driver_as_python", driver.TEXT)
    return ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(interpreted)


class Call:
    """A program bound to its slots."""

    def __init__(self, engine: Any, program: Program, slots: np.ndarray, *texts: str) -> None:
        self.engine, self.slots = engine, slots
        self.code, self.rows = program.assemble()
        self.kernels = np.array(loader.load(texts) or [0], np.int64)
        self.header = np.zeros(driver.HEADER_SIZE, np.int64)
        self.header[:3] = [a.ctypes.data for a in (self.code, self.rows, self.kernels)]

    def run(self) -> int:
        return self.engine(self.slots.ctypes.data, self.header.ctypes.data)


def test_calls_moves_and_arithmetic(engine) -> None:
    p = Program()
    p.emit(Op.SET, 0, 5)
    p.emit(Op.CALL, 0, p.row([1, 0]))
    p.emit(Op.CALL, 0, p.row([2, 1]))
    p.emit(Op.MOVE, 3, 2)
    p.emit(Op.ADD, 3, -1)
    p.emit(Op.SWAP, 0, 3)
    p.emit(Op.HALT)
    call = Call(engine, p, np.zeros(4, np.int64), DOUBLE)
    assert call.run() == DONE
    assert call.slots.tolist() == [19, 10, 20, 5]
    assert call.run() == DONE  # and again, from the start


def test_a_counted_loop(engine) -> None:
    p = Program()
    p.emit(Op.SET, 0, 0)
    p.label("loop")
    p.emit(Op.JUMP_GE, "done", 0, 1)
    p.emit(Op.CALL, 0, p.row([2]))
    p.emit(Op.ADD, 0, 1)
    p.emit(Op.JUMP, "loop")
    p.label("done")
    p.emit(Op.HALT)
    cell = np.zeros(1, np.int64)
    call = Call(engine, p, slots_of([0, 100, cell]), ADD_ONE.format(n=3))
    assert call.run() == DONE and cell[0] == 300


def test_jumps_on_bools_and_less(engine) -> None:
    p = Program()
    p.label("again")
    p.emit(Op.JUMP_FALSE, "end", 0)
    p.emit(Op.ADD, 1, 1)
    p.emit(Op.JUMP_LT, "again", 1, 2)
    p.emit(Op.ADD, 1, 100)
    p.label("end")
    p.emit(Op.HALT)
    flag = np.array([True])
    call = Call(engine, p, slots_of([flag, 0, 5]))
    assert call.run() == DONE and call.slots[1] == 105
    flag[0] = False
    assert call.run() == DONE and call.slots[1] == 105


def test_a_failure_names_the_step_and_the_code(engine) -> None:
    p = Program()
    p.label("loop")
    p.emit(Op.ADD, 0, 1)
    step = p.emit(Op.CALL, 0, p.row([0]))
    p.emit(Op.JUMP, "loop")
    call = Call(engine, p, np.zeros(1, np.int64), FAIL)
    assert call.run() == FAILED
    assert call.header[driver.PC] == step and call.header[driver.DETAIL] == 7
    assert call.slots[0] == 3


def test_host_steps_return_and_go_on(engine) -> None:
    p = Program()
    p.emit(Op.SET, 0, 0)
    p.label("loop")
    p.emit(Op.HOST, 42)
    p.emit(Op.ADD, 0, 1)
    p.emit(Op.JUMP_LT, "loop", 0, 1)
    p.emit(Op.HALT)
    call = Call(engine, p, np.array([0, 3], np.int64))
    seen = []
    while call.run() == AT_HOST:
        seen.append((int(call.header[driver.DETAIL]), int(call.slots[0])))
    assert seen == [(42, 0), (42, 1), (42, 2)]


def test_grow_comes_back_to_the_same_instruction(engine) -> None:
    p = Program()
    p.label("loop")
    p.emit(Op.GROW, 0, 1, 9)
    p.emit(Op.ADD, 0, 1)
    p.emit(Op.JUMP_LT, "loop", 0, 2)
    p.emit(Op.HALT)
    call = Call(engine, p, np.array([0, 2, 7], np.int64))
    grown = 0
    while call.run() == AT_HOST:
        assert call.header[driver.DETAIL] == 9
        call.slots[1] *= 2
        grown += 1
    assert grown == 2 and call.slots.tolist() == [7, 8, 7]


def test_memory(engine) -> None:
    source, target = np.arange(8, dtype=np.uint8), np.full(8, 9, np.uint8)
    p = Program()
    p.emit(Op.COPY, 1, 0, 2)
    p.emit(Op.ADD, 1, 5)
    p.emit(Op.ZERO, 1, 3)
    p.emit(Op.HALT)
    call = Call(engine, p, slots_of([source, target, 4, 2]))
    assert call.run() == DONE
    assert target.tolist() == [0, 1, 2, 3, 9, 0, 0, 9]


def test_integers_in_memory(engine) -> None:
    small, large = np.array([-3], np.int32), np.array([-(2**40)], np.int64)
    p = Program()
    p.emit(Op.LOAD, 2, 0, 4)
    p.emit(Op.LOAD, 3, 1, 8)
    p.emit(Op.ADD, 2, 1)
    p.emit(Op.ADD, 3, 1)
    p.emit(Op.STORE, 0, 2, 4)
    p.emit(Op.STORE, 1, 3, 8)
    p.emit(Op.HALT)
    call = Call(engine, p, slots_of([small, large, 0, 0]))
    assert call.run() == DONE
    assert small[0] == -2 and large[0] == -(2**40) + 1


def test_offset(engine) -> None:
    p = Program()
    p.emit(Op.OFFSET, 3, 0, p.row([1, 2]))
    p.emit(Op.HALT)
    call = Call(engine, p, np.array([1000, 7, 16, 0], np.int64))
    assert call.run() == DONE and call.slots[3] == 1112


def test_unbox_finds_the_data_of_any_array(engine) -> None:
    arrays = [np.zeros(3), np.zeros((2, 0)), np.array(1.5), np.arange(10)[2:5], np.ones(4, "i1")]
    slots = np.array([0, *map(id, arrays)], np.int64)
    p = Program()
    p.emit(Op.UNBOX, 1, len(arrays))
    p.emit(Op.HALT)
    assert Call(engine, p, slots).run() == DONE
    assert slots.tolist() == [0, *(a.ctypes.data for a in arrays)]


def test_a_label_that_nobody_set_is_an_error() -> None:
    p = Program()
    p.emit(Op.JUMP, "nowhere")
    with pytest.raises(KeyError, match="nowhere"):
        p.assemble()


def test_calls_in_flight_do_not_see_each_other() -> None:
    p = Program()
    p.emit(Op.SET, 0, 0)
    p.label("loop")
    p.emit(Op.CALL, 0, p.row([2, 0]))
    p.emit(Op.ADD, 0, 1)
    p.emit(Op.JUMP_LT, "loop", 0, 1)
    p.emit(Op.HALT)
    results = []

    def work(count: int) -> None:
        call = Call(driver.native(), p, np.array([0, count, 0], np.int64), DOUBLE)
        for _ in range(50):
            assert call.run() == DONE
        results.append(call.slots[2] == 2 * (count - 1))

    threads = [threading.Thread(target=work, args=(1000 + i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


def test_the_gil_is_free_while_a_program_runs() -> None:
    p = Program()
    p.emit(Op.SET, 0, 0)
    p.label("loop")
    p.emit(Op.ADD, 0, 1)
    p.emit(Op.JUMP_LT, "loop", 0, 1)
    p.emit(Op.HALT)
    call = Call(driver.native(), p, np.array([0, 30_000_000], np.int64))
    thread = threading.Thread(target=call.run)
    interval = sys.getswitchinterval()
    thread.start()
    turns = 0
    while thread.is_alive():
        turns += 1
    thread.join()
    assert turns > 1000, f"only {turns} turns of {interval} s while the driver ran"


HALVE = """def kernel(slots, row):
    p = ptr_f32(slots[row[0]])
    p[0] *= f32(0.5)
    return 0
"""


@pytest.mark.parametrize("flush", [0, 1])
def test_denormals_are_kept_or_flushed_and_the_mode_is_restored(flush) -> None:
    p = Program()
    p.emit(Op.CALL, 0, p.row([0]))
    p.emit(Op.HALT)
    tiny = np.array([1.5e-38], np.float32)
    call = Call(driver.native(), p, slots_of([tiny]), HALVE)
    call.header[FLUSH] = flush
    assert call.run() == DONE
    on_x86 = "86" in platform.machine()
    assert (tiny[0] == 0) == bool(flush and on_x86)
    assert np.float32(1.5e-38) * np.float32(0.5) > 0  # this thread's mode is what it was
