"""Cleaning up that a cancellation must not interrupt."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def run_to_end(work: Coroutine[Any, Any, None], limit_s: float) -> None:
    """Await `work` whatever cancels this task meanwhile; such a cancellation is raised afterwards.

    Raises what `work` raises, TimeoutError after `limit_s` (then it is cancelled).
    """

    async def limited() -> None:
        async with asyncio.timeout(limit_s):
            await work

    # The one task outside a TaskGroup: a group would cancel it together with the task that has to wait for it.
    task = asyncio.get_running_loop().create_task(limited())
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    try:
        task.result()
    finally:
        if cancelled:
            raise cancelled
