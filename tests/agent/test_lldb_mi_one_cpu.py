"""The CPUs of a thread and of a tracer while they work for each other, and afterwards, as the kernel has them."""

import asyncio
import os
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.tracer import tracer_of

from dapbridge.agent.remote.lldb_mi.one_cpu import together_with_tracer


@asynccontextmanager
async def traced() -> AsyncIterator[tuple[int, Process]]:
    """Run a process and one that traces it; yield the one's pid, and the other."""
    target = await asyncio.create_subprocess_exec("cat", stdin=PIPE)
    try:
        async with tracer_of(target.pid) as tracer:
            yield target.pid, tracer
    finally:
        target.kill()
        await target.wait()


@pytest.mark.root
async def test_both_are_on_one_cpu_and_free_again_with_all_threads_that_have_begun() -> None:
    free = os.sched_getaffinity(0)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    async with traced() as (target, tracer):
        with together_with_tracer(target):
            assert len(os.sched_getaffinity(0)) == 1
            assert os.sched_getaffinity(tracer.pid) == os.sched_getaffinity(0) <= free
            assert os.sched_getaffinity(target) == free
            thread.start()
        assert [os.sched_getaffinity(each) for each in (0, tracer.pid, thread.native_id or 0)] == [free] * 3
        done.set()
        thread.join()


@pytest.mark.root
async def test_a_tracer_that_has_ended_meanwhile_is_no_error() -> None:
    free = os.sched_getaffinity(0)
    async with traced() as (target, tracer):
        with together_with_tracer(target):
            tracer.kill()
            await tracer.wait()
        assert os.sched_getaffinity(0) == free


async def test_a_process_that_is_not_there_or_traced_by_nobody_is_no_error() -> None:
    free = os.sched_getaffinity(0)
    for pid in (4194304, os.getpid()):
        with together_with_tracer(pid):
            pass
        assert os.sched_getaffinity(0) == free
