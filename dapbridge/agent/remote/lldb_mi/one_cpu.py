"""This thread and lldb-server on one CPU, for work in which each of them does nothing but wait for the other.

After a while the kernel moves one of the two to a CPU that idles, and from then on each packet has to wake that up. In
a virtual machine this takes ten times as long as the packet itself: a thousand breakpoints would take twice their time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dapbridge.agent.remote import processes


@contextmanager
def together_with_tracer(pid: int) -> Iterator[None]:
    """Have this thread and the one that traces process `pid` on one CPU for the block, where that is allowed."""
    own = threading.get_native_id()
    before: dict[int, set[int]] = {}
    with suppress(OSError):
        if tracer := processes.tracer_pid(pid):
            here = {processes.last_cpu(own)}
            for thread in (own, tracer):
                before[thread] = os.sched_getaffinity(thread)
                os.sched_setaffinity(thread, here)
    try:
        yield
    finally:
        if own in before:
            # Those that have begun in the block have its CPU from this one.
            before.update((int(each), before[own]) for each in os.listdir("/proc/self/task"))
        for thread, cpus in before.items():
            with suppress(OSError):
                os.sched_setaffinity(thread, cpus)
