"""This thread and lldb-server on one CPU, for work in which each of them does nothing but wait for the other.

After a while the kernel moves one of the two to a CPU that idles, and from then on each packet has to wake that up. In
a virtual machine this takes ten times as long as the packet itself: a thousand breakpoints would take twice their time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dapbridge.agent.remote import processes

_THIS_THREAD = 0


@contextmanager
def together_with_tracer(pid: int) -> Iterator[None]:
    """Have this thread and the one that traces process `pid` on one CPU for the block, where that is allowed."""
    before: dict[int, set[int]] = {}
    with suppress(OSError):
        if tracer := processes.tracer_pid(pid):
            here = {processes.own_cpu()}
            for thread in (_THIS_THREAD, tracer):
                before[thread] = os.sched_getaffinity(thread)
                os.sched_setaffinity(thread, here)
    try:
        yield
    finally:
        if _THIS_THREAD in before:
            # Those that have begun in the block have its CPU from this one.
            before.update((int(each), before[_THIS_THREAD]) for each in os.listdir("/proc/self/task"))
        for thread, cpus in before.items():
            with suppress(OSError):
                os.sched_setaffinity(thread, cpus)
