"""Elements made ahead, in a thread: while a program computes, the next ones are read from files."""

from __future__ import annotations

import queue
import threading
from typing import Any

from graphc.data.plans import From, Plan
from graphc.data.readers import Columns, Reader, Through
from graphc.data.structure import Row

AHEAD = 8  # elements, where the user leaves that to us


class Prefetched(From):
    """The same elements, made ahead where that saves waiting.

    A pipeline that only cuts arrays in memory is quicker than handing over from thread to thread.
    """

    title = "_PrefetchDataset"

    def __init__(self, source: Plan, size: int) -> None:
        super().__init__(source)
        self.size = AHEAD if size < 0 else size

    def reader(self) -> Reader:
        upstream = self.source.reader()
        return Ahead(upstream, self.size) if self.source.waits and self.size else upstream


class Ahead(Through):
    """Rows that a thread has put into a queue; blocks are asked for as ever."""

    def __init__(self, upstream: Reader, size: int) -> None:
        super().__init__(upstream)
        self.rows_ahead: queue.Queue[Any] = queue.Queue(size)
        self.stopped = threading.Event()
        self.thread: threading.Thread | None = None
        self.over = False

    def _run(self) -> None:
        while not self.stopped.is_set():
            try:
                found: Any = self.upstream.next()
            except BaseException as error:  # whoever asks for the row gets it
                found = error
            if not self._put(found) or found is None or isinstance(found, BaseException):
                return

    def _put(self, found: Any) -> bool:
        while not self.stopped.is_set():
            try:
                self.rows_ahead.put(found, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def next(self) -> Row | None:
        if self.over:
            return self.upstream.next()
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, name="prefetch", daemon=True)
            self.thread.start()
        found = self.rows_ahead.get()
        if found is None or isinstance(found, BaseException):
            self.over = True  # the thread has ended; after an error the pass may go on
            self.thread.join()
        if isinstance(found, BaseException):
            raise found
        return found

    def take(self, n: int) -> Columns | None:
        if self.thread is None and self.cuts:
            return self.upstream.take(n)
        return super().take(n)

    def close(self) -> None:
        self.stopped.set()
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join()
        super().close()
