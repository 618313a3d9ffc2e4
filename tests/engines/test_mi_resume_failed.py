"""A resume that fails behind its answer, with a FAKE debugger in gdb's words: of a process that is there, or not."""

from collections.abc import Iterator

import msgspec
import pytest
from support.fake_debugger import Answers
from support.mi_rig import PROCESS, STOPPED, attached, look

FAILS = (
    '^running\n*running,thread-id="all"\n&"Cannot access memory at address 0x428bb0\\n"\n^error,msg="Command aborted."'
)


def failing_behind_the_attach() -> Answers:
    attach_goes_on: Iterator[bool] = iter([True])

    def answer(command: str) -> str | None:
        if command == "-exec-continue" and not next(attach_goes_on, False):
            return FAILS
        if command == "-thread-info":
            return '^done,threads=[{id="1",state="stopped"}],current-thread-id="1"'
        return look(command)

    return answer


@pytest.mark.parametrize(("exit_status", "exit_code"), [(9, 137), (3 << 8, 3)], ids=["killed", "exited"])
async def test_of_a_process_that_has_ended_meanwhile_the_end_is_told(exit_status: int, exit_code: int) -> None:
    async with attached(failing_behind_the_attach()) as rig:
        rig.agent.processes[PROCESS.pid] = msgspec.structs.replace(
            PROCESS, state="Z", has_ended=True, exit_status=exit_status
        )
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        assert (await rig.request("continue", threadId=1)).success
        assert await rig.event("exited") == {"exitCode": exit_code}
        await rig.event("terminated")
        assert rig.names().count("stopped") == 1


async def test_a_process_that_is_still_there_is_told_to_stand() -> None:
    async with attached(failing_behind_the_attach()) as rig:
        rig.agent.processes[PROCESS.pid] = PROCESS
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        assert (await rig.request("continue", threadId=1)).success
        await rig.until(lambda: rig.names().count("stopped") == 2)
        assert "exited" not in rig.names()
