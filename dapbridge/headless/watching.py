"""One target for the time of a run: attaches to it, and with --follow again whenever it has started anew."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from dapbridge.errors import UserError
from dapbridge.headless.attachment import AttachFailedError, Attachment
from dapbridge.headless.following import Starts
from dapbridge.headless.happenings import Happening, Progress, Warned
from dapbridge.headless.plan import Plan
from dapbridge.headless.tally import Tally
from dapbridge.prepared import Prepare


class TargetWatch:
    """Watches one target until `stop` or its end; with `starts` until `stop` alone."""

    def __init__(
        self,
        target: str,
        plan: Plan,
        tally: Tally,
        prepare: Prepare,
        tell: Callable[[Happening], None],
        starts: Starts | None,
    ) -> None:
        self.target = target
        self.attached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the target is attached for the first time; AttachFailedError. Cancelled by a `stop` before."""
        self._plan = plan
        self._tally = tally
        self._prepare = prepare
        self._tell = tell
        self._starts = starts
        self._stopping = asyncio.Event()
        self._attempts = 0
        self._attachment: Attachment | None = None

    async def run(self) -> None:
        """Watch the target to the end; what goes wrong is told."""
        try:
            known = await self._starts.find_start() if self._starts else None
            lost = await self._watch_once()
            again: str | None = None
            while self._starts and not self._stopping.is_set():
                # One whose debugger was lost may run on: it is attached to again, but once only.
                is_over = not lost or known == again
                again = known
                known = await self._next_start(self._starts, known if is_over else None)
                if known is not None:
                    lost = await self._watch_once()
        except UserError as error:
            self._fail(error)
        finally:
            self.attached.cancel()
            if self._starts:
                await self._starts.aclose()

    def stop(self) -> None:
        """Let go of the target, behind the hit that is looked at now."""
        self._stopping.set()
        if self._attachment:
            self._attachment.stop()

    def look(self, probe: int, reason: str) -> None:
        """Stop the target for a moment to see what all its threads do, as a hit of `probe`."""
        if self._attachment:
            self._attachment.look(probe, reason)
        else:
            self._tell(Warned(f"{reason}, but the target is not attached now", self.target))

    async def _watch_once(self) -> bool:
        """Attach and stay to the end; return whether the debugger was lost. Raises AttachFailedError for the first."""
        if self._stopping.is_set():
            return False
        self._attempts += 1
        attachment = Attachment(self.target, self._plan, self._tally, self._prepare, self._tell, self._attempts)
        self._attachment = attachment
        try:
            end = await attachment.run(self._on_attached)
        except AttachFailedError as error:
            if not self.attached.done():
                raise
            self._tell(Warned(f"can't attach again: {error}", self.target))
            return False
        finally:
            self._attachment = None
        if end is not None:
            self._tell(end)
        return end is not None and end.lost

    async def _next_start(self, starts: Starts, known: str | None) -> str | None:
        """Wait for the target to start again; None when the run ends before."""
        self._tell(Progress(self.target, "waiting for the target to start again (--follow)"))
        return await self._until_stopped(starts.wait_for_start(known))

    async def _until_stopped(self, awaited: Awaitable[str]) -> str | None:
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(_result(awaited))
            stopping = tasks.create_task(self._stopping.wait())
            await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            stopping.cancel()
        if waiting.cancelled():
            return None
        if isinstance(result := waiting.result(), UserError):
            raise result
        return result

    def _on_attached(self) -> None:
        if not self.attached.done():
            self.attached.set_result(None)

    def _fail(self, error: UserError) -> None:
        if self.attached.done():
            self._tell(Warned(f"the target is not watched any more: {error}", self.target))
        else:
            with suppress(asyncio.InvalidStateError):
                self.attached.set_exception(error)


async def _result(awaited: Awaitable[str]) -> str | UserError:
    try:
        return await awaited
    except UserError as error:
        # Raised in a TaskGroup it would come out in a group.
        return error
