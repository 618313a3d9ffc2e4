import asyncio

import pytest

from dapbridge.shielded import run_to_end


async def test_errors_are_raised() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_to_end(fail(), 5)


async def test_a_cancellation_waits_for_the_work() -> None:
    begun, gate, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await gate.wait()
        done.set()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run_to_end(work(), 5))
        await begun.wait()
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        gate.set()
    assert done.is_set()
    assert task.cancelled()


async def test_the_limit_ends_it() -> None:
    with pytest.raises(TimeoutError):
        await run_to_end(_forever(), 0.01)


async def _forever() -> None:
    await asyncio.Event().wait()
