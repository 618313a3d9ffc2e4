"""Ranges of a file, at hand or elsewhere, for a parser that runs over them. Knows nothing of what the bytes mean.

A file elsewhere is read by pages: the parser runs over those fetched so far, names those that it misses, and is run
again when they are there.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import BinaryIO, Protocol, TypeVar

ReadRange = Callable[[int, int], Awaitable[bytes]]
"""Reads (offset, length) of a file, 1 MiB at most; shorter only where the file ends."""

PAGE = 64 * 1024
MAX_PAGES_A_READ = 16
MAX_PAGES = 64
MAX_OFFSET = 1 << 40

T = TypeVar("T")


class RangedFile(Protocol):
    """A file of which ranges can be read."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return `size` bytes, fewer where the file ends."""
        ...

    def foresee(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Take note of (offset, size) that are going to be read."""
        ...


class WholeFile:
    """A file at hand."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = stream.seek(0, os.SEEK_END)

    def read_at(self, offset: int, size: int) -> bytes:
        """See RangedFile."""
        if offset >= self._size:
            return b""
        self._stream.seek(offset)
        return self._stream.read(size)

    def foresee(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Do nothing: all is at hand."""


async def parse_remote(read: ReadRange, parse: Callable[[RangedFile], T]) -> T:
    """Run `parse` in a thread, again and again, until the pages that it needs have been fetched.

    Raises what `parse` and `read` raise; a `parse` that wants too much gets a ValueError.
    """
    pages = _Pages()
    while True:
        try:
            return await asyncio.to_thread(parse, pages)
        except _MissingPages as missing:
            await _fetch(read, pages, missing.numbers)


class _MissingPages(BaseException):
    """A request to whoever can fetch them; no error, so no handler of broken bytes may take it for one."""

    def __init__(self, numbers: set[int]) -> None:
        super().__init__()
        self.numbers = numbers


class _Pages:
    """The pages fetched so far of a file elsewhere."""

    def __init__(self) -> None:
        self.fetched: dict[int, bytes] = {}

    def read_at(self, offset: int, size: int) -> bytes:
        self.foresee([(offset, size)])
        numbers = _pages_of(offset, size)
        content = b"".join(self.fetched[number] for number in numbers)
        return content[offset - numbers.start * PAGE :][:size]

    def foresee(self, ranges: Iterable[tuple[int, int]]) -> None:
        missing = {number for offset, size in ranges for number in _pages_of(offset, size)} - self.fetched.keys()
        if len(self.fetched) + len(missing) > MAX_PAGES:
            raise ValueError("its parts are too large or too scattered")
        if missing:
            raise _MissingPages(missing)


def _pages_of(offset: int, size: int) -> range:
    return range(offset // PAGE, (offset + size - 1) // PAGE + 1) if size > 0 and offset < MAX_OFFSET else range(0)


async def _fetch(read: ReadRange, pages: _Pages, numbers: set[int]) -> None:
    """Fetch pages, neighbours in one read, all reads at once."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1 and len(runs[-1]) < MAX_PAGES_A_READ:
            runs[-1].append(number)
        else:
            runs.append([number])

    async def fetch_run(run: list[int]) -> None:
        content = await read(run[0] * PAGE, len(run) * PAGE)
        for index, number in enumerate(run):
            pages.fetched[number] = content[index * PAGE : (index + 1) * PAGE]

    try:
        async with asyncio.TaskGroup() as tasks:
            for run in runs:
                tasks.create_task(fetch_run(run))
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
