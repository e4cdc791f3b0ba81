"""Threads that help with the pieces of a kernel's work.

A kernel that is cut into pieces (`calls.Call`) is called once for each of them.  Who runs the
program does so, and helpers take pieces as well, as long as there are any: nobody waits for a
helper that has not begun, so that a busy machine costs nothing.  Helpers sleep otherwise; they
never spin.  Into how many pieces work is cut depends on its size alone, so results are the same for
any number of threads.

There is one team of helpers.  Who finds it busy (calls from several Python threads) works alone.
"""

from __future__ import annotations

import ctypes
import os
import threading

import numpy as np

from graphc import config
from graphc.runtime import loader
from graphc.runtime.calls import PIECE, PIECES
from graphc.runtime.windowing import put

# The team, an int64 array: three locks and signals of 64 bytes each and who owns the team; what
# is to be done; the next piece, and how many are being done by helpers.
LOCK, WORK, DONE, OWNER = 0, 64, 128, 192  # in bytes
KERNEL, SLOTS, ROW, LENGTH, COUNT, FLUSH, NEXT, RUNNING, HELPERS, JOB, END = range(32, 43)
SIZE = 48
HAVE = os.name == "posix"
# What a helper has of its own: slots, of which a row's entries are copied, and a row of their
# numbers.
FIRST, MOST = 8, 500
DESK = FIRST + 2 * MOST
_NAMES = {name: value for name, value in globals().items() if name.isupper()}

# Runs all pieces of a call.  `work`: the kernel, its row, the number of pieces, whether denormal
# floats count as 0, the team.  Before the row lies its length.
_SPREAD = """def kernel(slots, work):
    kernel, row, pieces = work[0], work[1], work[2]
    base = address_of(slots)
    slots[{piece}] = 0
    slots[{pieces}] = pieces
    {shared}
    while slots[{piece}] < pieces:
        call_kernel(kernel, base, row)
        slots[{piece}] += 1
    slots[{piece}] = 0
    slots[{pieces}] = 1
    return 0
"""
_SHARED = """length, team = ptr_i64(row - 8)[0], work[4]
job = ptr_i64(team)
if pieces > 1 and length <= {MOST} and job[{HELPERS}] > 0 and mutex_trylock(team + {OWNER}) == 0:
    mutex_lock(team)
    job[{KERNEL}], job[{SLOTS}], job[{ROW}], job[{LENGTH}] = kernel, base, row, length
    job[{COUNT}], job[{FLUSH}], job[{NEXT}] = pieces, work[3], i64(1)
    job[{JOB}] += 1
    cond_broadcast(team + {WORK})
    mutex_unlock(team)
    while slots[{PIECE}] < pieces:
        call_kernel(kernel, base, row)
        mutex_lock(team)
        slots[{PIECE}] = job[{NEXT}]
        job[{NEXT}] += 1
        mutex_unlock(team)
    mutex_lock(team)
    while job[{RUNNING}] > 0:
        cond_wait(team + {DONE}, team)
    mutex_unlock(team)
    mutex_unlock(team + {OWNER})
"""

# What a helper does until the process ends: takes the next piece, or sleeps.
HELP = f'''"""A helper of the team: does pieces of work."""


def kernel(slots, team):
    lock = address_of(team)
    base = address_of(slots)
    number = slots[0]
    known = i64(-1)
    mutex_lock(lock)
    while team[{END}] == 0:
        if team[{NEXT}] < team[{COUNT}] and number < team[{HELPERS}]:
            slots[{PIECE}] = team[{NEXT}]
            team[{NEXT}] += 1
            team[{RUNNING}] += 1
            work, length = team[{KERNEL}], team[{LENGTH}]
            slots[{PIECES}] = team[{COUNT}]
            flush = team[{FLUSH}]
            if known != team[{JOB}]:
                known = team[{JOB}]
                given = ptr_i64(team[{SLOTS}])
                row = ptr_i64(team[{ROW}])
                for i in range(length):
                    slots[{FIRST} + i] = given[row[i]]
            mutex_unlock(lock)
            modes = flush_denormals(flush)
            call_kernel(work, base, base + {8 * (FIRST + MOST)})
            restore_denormals(modes)
            mutex_lock(lock)
            team[{RUNNING}] -= 1
            if team[{RUNNING}] == 0:
                cond_signal(lock + {DONE})
        else:
            cond_wait(lock + {WORK}, lock)
    mutex_unlock(lock)
    return 0
'''


_lock = threading.Lock()
_memory = np.zeros(SIZE, np.int64)  # the team; it stays where it is
_desks: list[np.ndarray] = []  # of the helpers that were started


def team() -> int:
    """The address of the team, after so many helpers were started as the options ask for."""
    if HAVE and not loader.jit_disabled():
        with _lock:
            while len(_desks) < config.threads() - 1:
                _start()
        _let()
    return _memory.ctypes.data


def _let() -> None:
    """Let as many helpers take pieces as the options say."""
    _memory[HELPERS] = min(len(_desks), config.threads() - 1)


def _start() -> None:
    if not _desks:
        _make_locks()
    desk = np.zeros(DESK, np.int64)
    desk[0] = len(_desks)
    desk[FIRST + MOST :] = np.arange(FIRST, FIRST + MOST)
    kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
    run, given = kind(loader.load([HELP])[0]), (desk.ctypes.data, _memory.ctypes.data)
    name = f"graphc helper {len(_desks)}"
    threading.Thread(target=run, args=given, name=name, daemon=True).start()
    _desks.append(desk)


def _make_locks() -> None:
    _memory[:] = 0
    address, posix = _memory.ctypes.data, ctypes.CDLL(None)
    for place in (LOCK, OWNER):
        posix.pthread_mutex_init(ctypes.c_void_p(address + place), None)
    for place in (WORK, DONE):
        posix.pthread_cond_init(ctypes.c_void_p(address + place), None)


def spread() -> int:
    """The address of the kernel that runs pieces."""
    shared = _SHARED.format(**_NAMES) if HAVE else "pass"
    return loader.load([put(_SPREAD, "shared", shared).format(piece=PIECE, pieces=PIECES)])[0]


def _forget() -> None:
    """In a forked process there are no helpers; the next program that is planned starts new ones.

    Locks may be held by threads that are not there.
    """
    global _lock
    _lock = threading.Lock()
    _desks.clear()
    _make_locks()


config.when_threads_change(_let)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
