"""Several targets looked at as one: all are made ready, then frozen one right after the other, then read."""

import asyncio
from collections.abc import Callable, Sequence

from dapbridge.headless.stacks.report import Report
from dapbridge.headless.stacks.session import Options, StacksError, observing
from dapbridge.runtimes.target import Target


class Rendezvous:
    """Where a number of tasks wait for each other, as often as they like; one that fails leaves."""

    def __init__(self, parties: int) -> None:
        self._parties = parties
        self._waiting: list[asyncio.Future[None]] = []

    async def meet(self) -> None:
        """Return when all that have not left are here."""
        here: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(here)
        self._look()
        await here

    def leave(self) -> None:
        """Be waited for no longer."""
        self._parties -= 1
        self._look()

    def _look(self) -> None:
        if len(self._waiting) >= self._parties:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                if not each.done():
                    each.set_result(None)


async def take_all(
    targets: Sequence[Target], options: Options, progress: Callable[[str], None]
) -> list[Report | StacksError]:
    """Return the report of each target, or why there is none."""
    meeting = Rendezvous(len(targets))
    turn = asyncio.Lock()

    async def take(target: Target) -> Report | StacksError:
        try:
            async with observing(target, options, progress) as observed:
                await meeting.meet()
                async with turn:
                    snapshot = await observed.freeze()
                # No debugger works while another target stands.
                await meeting.meet()
                return await observed.read(*snapshot)
        except StacksError as error:
            return error
        finally:
            meeting.leave()

    async with asyncio.TaskGroup() as tasks:
        taken = [tasks.create_task(take(target)) for target in targets]
    return [each.result() for each in taken]
