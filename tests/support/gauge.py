"""The gauge of fixtures/programs/ticker.cpp: how long the target stood still, read from outside without touching it."""

import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

_FIELDS = struct.Struct("=QQQ")


@dataclass(frozen=True)
class Reading:
    """largest_gap_ns and ticks since the start or reset; last_tick_ns is of CLOCK_MONOTONIC."""

    largest_gap_ns: int
    ticks: int
    last_tick_ns: int


class Gauge:
    """The mapped file of a ticker whose process is `pid` on this host."""

    def __init__(self, pid: int, path: str = "/tmp/gauge") -> None:
        self._file = os.open(Path(f"/proc/{pid}/root{path}"), os.O_RDWR)

    def read(self) -> Reading:
        """Return the gauge as it stands."""
        return Reading(*_FIELDS.unpack(os.pread(self._file, _FIELDS.size, 0)))

    def reset(self) -> None:
        """Forget the largest gap."""
        os.pwrite(self._file, bytes(8), 0)

    def stood_still_ns(self) -> int:
        """Return the longest time without a tick since the last reset, one that still lasts included."""
        reading = self.read()
        return max(reading.largest_gap_ns, time.clock_gettime_ns(time.CLOCK_MONOTONIC) - reading.last_tick_ns)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
