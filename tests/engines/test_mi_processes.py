"""Forks and execs as transcripts: stops that the client never hears of, and what they may not swallow."""

import msgspec
from support.mi_rig import PROCESS, Rig, attached, look

from dapbridge.config import AttachConfig

EXEC = '*stopped,reason="exec",new-exec="/other",thread-id="1",stopped-threads="all"'
SECOND = ('=thread-group-started,id="i2",pid="7"', '=thread-created,id="2",group-id="i2"')
BOTH = AttachConfig("api", follow_fork="both")


def ended(number: int, code: str) -> tuple[str, ...]:
    return (
        f'=thread-exited,id="{number}",group-id="i{number}"',
        f'=thread-group-exited,id="i{number}",exit-code="{code}"',
        f'*stopped,reason="exited",exit-code="{code}"',
    )


async def asked_since(rig: Rig, count: int, last: str) -> list[str]:
    """Return what the debugger was asked behind the first `count` commands, once `last` is among it."""
    await rig.until(lambda: last in rig.debugger.asked[count:])
    return rig.debugger.asked[count:]


async def test_an_exec_is_no_stop_and_the_client_learns_the_new_program() -> None:
    async with attached() as rig:
        rig.agent.processes[1] = msgspec.structs.replace(PROCESS, exe="/other")
        rig.told.clear()
        count = len(rig.debugger.asked)
        rig.debugger.say(EXEC)
        asked = await asked_since(rig, count, "-exec-continue")
        assert "-file-exec-and-symbols --thread 1 /proc/1/exe" in asked
        assert (await rig.event("process"))["name"] == "/other"
        assert "another program: /other" in (await rig.event("output"))["output"]
        assert "stopped" not in rig.names()
        assert "look after 1, a fork of None" in rig.debugger.asked


async def test_symbols_that_gdb_has_found_by_itself_are_read_once() -> None:
    def answers(command: str) -> str | None:
        if command == "-list-thread-groups":
            return '^done,groups=[{id="i1",type="process",pid="1",executable="/tmp/fake/sysroot/proc/1/exe"}]'
        return look(command)

    async with attached(answers) as rig:
        rig.agent.processes[1] = PROCESS
        count = len(rig.debugger.asked)
        rig.debugger.say(EXEC)
        asked = await asked_since(rig, count, "-exec-continue")
        assert not any(each.startswith("-file-exec-and-symbols") for each in asked)
        await rig.until(lambda: rig.names().count("process") == 2)


async def test_a_new_program_that_cant_be_looked_at_has_no_symbols_rather_than_wrong_ones() -> None:
    async with attached() as rig:
        rig.agent.processes[1] = PROCESS
        rig.agent.has_libraries = False
        count = len(rig.debugger.asked)
        rig.debugger.say(EXEC)
        asked = await asked_since(rig, count, "-exec-continue")
        assert "-file-exec-and-symbols --thread 1" in asked
        await rig.until(lambda: rig.names().count("process") == 2)


async def test_a_pause_that_an_exec_swallowed_is_made_up_for() -> None:
    async with attached() as rig:
        rig.agent.processes[1] = PROCESS
        assert (await rig.request("pause", threadId=1)).success
        count = len(rig.debugger.asked)
        rig.debugger.say(EXEC)
        asked = await asked_since(rig, count, "-exec-interrupt")
        assert asked.index("-exec-interrupt") > asked.index("-exec-continue")
        rig.debugger.say('*stopped,reason="signal-received",signal-name="SIGINT",thread-id="1"')
        assert (await rig.event("stopped"))["reason"] == "pause"
        # Once is enough.
        count = len(rig.debugger.asked)
        assert (await rig.request("continue", threadId=1)).success
        rig.debugger.say(EXEC)
        await rig.until(lambda: rig.names().count("process") == 3)
        assert "-exec-interrupt" not in rig.debugger.asked[count:]


async def test_the_session_ends_with_the_last_of_several_processes() -> None:
    async with attached(config=BOTH) as rig:
        rig.agent.processes[7] = msgspec.structs.replace(PROCESS, pid=7, ppid=1)
        rig.debugger.say(*SECOND)
        await rig.until(lambda: rig.names().count("process") == 2)
        assert "look after 7, a fork of 1" in rig.debugger.asked
        count = len(rig.debugger.asked)
        rig.debugger.say(*ended(2, "03"))
        asked = await asked_since(rig, count, "-exec-continue")
        assert asked[0] == "-thread-select 1"
        assert "exited" not in rig.names()
        rig.debugger.say(*ended(1, "011"))
        assert (await rig.event("exited"))["exitCode"] == 9
        assert rig.names()[-1] == "terminated"


async def test_a_fork_that_has_ended_before_it_was_looked_at_costs_nothing() -> None:
    async with attached(config=BOTH) as rig:
        rig.agent.processes[7] = msgspec.structs.replace(PROCESS, pid=7)
        rig.debugger.say(*SECOND, *ended(2, "0"))
        await rig.until(lambda: "-exec-continue" in rig.debugger.asked[-3:])
        assert (await rig.request("threads")).success


async def test_a_vforks_child_is_let_go_before_anything_else() -> None:
    async with attached(config=BOTH) as rig:
        count = len(rig.debugger.asked)
        rig.debugger.say('*stopped,reason="vfork",disp="keep",bkptno="1",newpid="7",thread-id="1"')
        asked = await asked_since(rig, count, "-gdb-set detach-on-fork off")
        assert asked == ["-gdb-set detach-on-fork on", "-exec-continue", "-gdb-set detach-on-fork off"]
        assert "process 7 runs on by itself" in (await rig.event("output"))["output"]


async def test_every_process_is_detached_from_at_the_end() -> None:
    async with attached(config=BOTH) as rig:
        rig.agent.processes[7] = msgspec.structs.replace(PROCESS, pid=7)
        rig.debugger.say(*SECOND)
        await rig.until(lambda: rig.names().count("process") == 2)
    assert [each for each in rig.debugger.asked if each.startswith("-target-detach")] == [
        "-target-detach i1",
        "-target-detach i2",
    ]
