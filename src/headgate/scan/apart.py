"""Work that goes on in a thread while other work does."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Apart(Generic[T]):
    """Begins at once; for waiting for processes of others, not for work of our own."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._found: list[T] = []
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found.append(self._work())
        except BaseException as error:
            self._error = error

    def wait(self) -> None:
        """Until it has ended."""
        self._thread.join()

    def result(self) -> T:
        """What it came to; raises what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._found[0]
