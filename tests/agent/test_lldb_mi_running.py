"""The MI server on LLDB: what it answers and tells while the target is attached to, runs, stops and is let go."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import procfs
from support.lldb_rig import MiServer, server_for, stop_at
from support.marks import mark

from dapbridge.agent.remote import healing

pytestmark = pytest.mark.docker

LIMIT_S = 10
PLUGIN = "/srv/lib/libplugin.so"


@pytest.fixture(scope="module")
def watched() -> Iterator[MiServer]:
    """A server beside a program of two threads, which stands."""
    with server_for("watched") as server:
        stop_at(server, "watched.c", mark("watched.c", "local"))
        server.done("-break-delete 1")
        yield server


@contextmanager
def breakpoint_at(server: MiServer, place: str) -> Iterator[str]:
    """Have a breakpoint for the block; gives its number."""
    number = server.done(f"-break-insert {place}")["bkpt"]["number"]
    try:
        yield number
    finally:
        server.done(f"-break-delete {number}")


def at(name: str, source: str = "watched.c") -> str:
    return f"--source /build/src/{source} --line {mark(source, name)}"


def listed(server: MiServer) -> list[dict[str, Any]]:
    """Return what `-break-list` has."""
    found: list[dict[str, Any]] = server.done("-break-list")["BreakpointTable"]["body"]
    return found


def run_to(server: MiServer, place: str) -> str:
    """Let the target go on to a place; return the thread that stands there."""
    with breakpoint_at(server, place) as number:
        server.done("-exec-continue")
        stopped = server.stopped()
        assert (stopped["reason"], stopped["bkptno"]) == ("breakpoint-hit", number)
    return str(stopped["thread-id"])


def wait_until_running(server: MiServer) -> None:
    """Wait until LLDB itself has heard that the target runs."""
    deadline = time.monotonic() + LIMIT_S
    while {each["state"] for each in server.done("-thread-info")["threads"]} != {"running"}:
        assert time.monotonic() < deadline, "it has not gone on"


def test_an_attach_tells_the_process_its_threads_and_a_stop_without_reason() -> None:
    with server_for("watched") as server:
        assert server.ask("-target-attach 7")["msg"] == "this server is for process 1"
        assert server.ask("-exec-continue")["msg"] == "The program is not being run."
        assert server.ask("-x-frames 0 0")["msg"] == "The program is not being run."
        lines = server.heard("-target-attach 1")
        assert [line for line in lines if line.startswith("=thread-")] == [
            '=thread-group-started,id="i1",pid="1"',
            '=thread-created,id="1",group-id="i1"',
            '=thread-created,id="2",group-id="i1"',
        ]
        answer = next(index for index, line in enumerate(lines) if line.endswith("^done"))
        assert lines[answer + 1] == '*stopped,thread-id="1",stopped-threads="all"'
        assert len(procfs.tracers(server.target_pid)) == 1
        assert server.done("-list-thread-groups")["groups"][0]["pid"] == "1"

        # In one piece with the answer.
        lines = server.heard("-exec-continue")
        answer = next(index for index, line in enumerate(lines) if line.endswith("^running"))
        assert lines[answer + 1] == '*running,thread-id="all"'
        wait_until_running(server)
        assert server.ask("-exec-next --thread 1")["msg"] == "Selected thread is running."
        assert server.done("-data-list-register-names")["register-names"] == []

        server.done("-exec-interrupt")
        stopped = server.stopped()
        # By which of its signals a thread stands is LLDB's affair.
        assert stopped["reason"] == "signal-received"
        assert stopped["signal-name"] in ("SIGINT", "SIGSTOP")
        assert {each["state"] for each in server.done("-thread-info")["threads"]} == {"stopped"}
        # One who stands needs no second stop.
        server.done("-exec-interrupt")
        server.done("-exec-continue")

        server.done("-target-detach")
        assert procfs.tracers(server.target_pid) == set()
        assert server.ask("-exec-continue")["msg"] == "The program is not being run."


def test_a_breakpoint_is_described_hit_and_gone(watched: MiServer) -> None:
    line = mark("watched.c", "local")
    made = watched.done(f"-break-insert {at('local')}")["bkpt"]
    assert (made["type"], made["enabled"], made["times"], made["line"]) == ("breakpoint", "y", "0", str(line))
    assert (made["func"], made["fullname"]) == ("local_work", "/build/src/watched.c")
    assert made["original-location"] == f"-source /build/src/watched.c -line {line}"
    watched.done("-exec-continue")
    stopped = watched.stopped()
    assert (stopped["reason"], stopped["bkptno"], stopped["stopped-threads"]) == (
        "breakpoint-hit",
        made["number"],
        "all",
    )
    assert stopped["frame"]["addr"] == made["addr"]
    (shown,) = listed(watched)
    assert shown["times"] == "1"
    watched.done(f"-break-delete {made['number']}")
    # That one which is gone be gone is what is wanted.
    watched.done(f"-break-delete {made['number']} 4711")
    assert listed(watched) == []


def test_what_has_no_place_is_refused_or_stays_pending(watched: MiServer) -> None:
    place = "--source /build/src/nowhere.c --line 3"
    assert watched.ask(f"-break-insert {place}")["msg"] == "no code for -source /build/src/nowhere.c -line 3"
    with breakpoint_at(watched, f"-f {place}") as number:
        (shown,) = listed(watched)
        assert (shown["number"], shown["addr"]) == (number, "<PENDING>")
        assert shown["pending"] == "-source /build/src/nowhere.c -line 3"
    assert "there is no code" in watched.ask("-break-insert *0x10")["msg"]
    assert "hardware" in watched.ask(f"-break-insert -h {at('local')}")["msg"]
    assert watched.ask("-break-insert")["msg"].startswith("-break-insert")


def test_conditions_ignored_hits_and_disabled_ones(watched: MiServer) -> None:
    assert watched.ask(f'-break-insert -c "nothing > 3" {at("local")}')["msg"] == (
        'No symbol "nothing" in current context.'
    )
    assert listed(watched) == []
    with breakpoint_at(watched, f"-d {at('local')}"), breakpoint_at(watched, f'-c "seed % 2 == 0" {at("local-write")}'):
        assert [each["enabled"] for each in listed(watched)] == ["n", "y"]
        seeds = []
        for _ in range(2):
            watched.done("-exec-continue")
            thread = watched.stopped()["thread-id"]
            seeds.append(int(watched.ask(f'-x-evaluate --thread {thread} --frame 0 1 "seed" 500 -')["value"]))
        assert seeds[0] % 2 == 0
        assert seeds[1] == seeds[0] + 2
    with breakpoint_at(watched, f"-i 1 {at('local-write')}"):
        watched.done("-exec-continue")
        thread = watched.stopped()["thread-id"]
        assert int(watched.ask(f'-x-evaluate --thread {thread} --frame 0 2 "seed" 500 -')["value"]) == seeds[1] + 2


def test_one_of_several_places_lists_them() -> None:
    with server_for("overloads") as server:
        made = server.done("-break-insert -f --function price")["bkpt"]
        assert made["addr"] == "<MULTIPLE>"
        numbers = [each["number"] for each in made["locations"]]
        assert numbers == [f"{made['number']}.{index}" for index in range(1, len(numbers) + 1)]
        assert {"shop::price(int)", "shop::price(double)"} < {each["func"] for each in made["locations"]}
        server.done("-target-attach 1")
        server.done("-exec-continue")
        assert server.stopped()["bkptno"] == made["number"]


def test_steps_are_of_the_thread_that_is_named(watched: MiServer) -> None:
    thread = run_to(watched, at("total-write"))
    watched.done(f"-exec-step --thread {thread}")
    stopped = watched.stopped()
    assert (stopped["reason"], stopped["thread-id"]) == ("end-stepping-range", thread)
    frames = watched.done(f"-stack-list-frames --thread {thread} 0 1")["stack"]
    assert [each["func"] for each in frames] == ["local_work", "main"]
    watched.done(f"-exec-next --thread {thread}")
    assert watched.stopped()["thread-id"] == thread
    address = int(watched.done(f"-stack-list-frames --thread {thread} 0 0")["stack"][0]["addr"], 16)
    size = watched.ask(f"-x-disassemble {address:#x} 0 1")["instructions"][0]["size"]
    watched.done(f"-exec-next-instruction --thread {thread}")
    assert watched.stopped()["frame"]["addr"] == f"0x{address + size:016x}"
    watched.done(f"-exec-finish --thread {thread} --frame 0")
    finished = watched.stopped()
    assert finished["reason"] == "function-finished"
    assert int(finished["return-value"]) > 5
    assert finished["gdb-result-var"].startswith("$")


@pytest.mark.parametrize("command", ["-exec-continue", "-exec-next", "-exec-step-instruction"])
def test_backwards_and_threads_that_are_not_there_are_refused(watched: MiServer, command: str) -> None:
    assert watched.ask(f"{command} --reverse")["msg"] == "LLDB can't run a program backwards"
    assert watched.ask(f"{command} --thread 99")["msg"] == "Invalid thread id: 99"
    assert watched.ask(f"{command} --thread nine")["msg"] == "Invalid number: nine"
    assert {each["state"] for each in watched.done("-thread-info")["threads"]} == {"stopped"}


def test_a_thread_runs_alone_where_the_scheduler_is_locked(watched: MiServer) -> None:
    assert watched.done("-gdb-show scheduler-locking") == {"value": "replay"}
    thread = run_to(watched, at("local"))
    expression = '-data-evaluate-expression "from_thread"'
    watched.done("-gdb-set scheduler-locking on")
    before = watched.done(expression)
    for _ in range(3):
        watched.done(f"-exec-next --thread {thread}")
        assert watched.stopped()["thread-id"] == thread
    assert watched.done(expression) == before
    watched.done("-gdb-set scheduler-locking replay")
    run_to(watched, at("thread-write"))
    assert watched.done('-interpreter-exec console "show scheduler-locking"') == {}
    assert watched.ask("-gdb-set no-such-thing on")["msg"] == "Undefined set command: no-such-thing"


def test_a_watchpoint_tells_the_old_and_the_new_value(watched: MiServer) -> None:
    thread = run_to(watched, at("total-write"))
    place = watched.done(f'-x-watch-place --thread {thread} --frame 0 "total"')
    assert (place["size"], place["symbol"], place["scope"]) == (8, "total", "")
    wish = place | {"label": "total", "access": "write", "condition": "", "ignored_hits": 0, "thread": 0, "level": 0}
    number = watched.done(f"-x-watch {json.dumps(json.dumps(wish))}")["number"]
    before = watched.done('-data-evaluate-expression "total"')["value"]
    watched.done("-exec-continue")
    stopped = watched.stopped()
    assert stopped["reason"] == "watchpoint-trigger"
    assert stopped["wpt"] == {"number": number, "exp": "total"}
    assert stopped["value"]["old"] == before
    assert int(stopped["value"]["new"]) > int(before)
    watched.done(f"-break-delete {number}")
    run_to(watched, at("loop"))


def test_a_variable_object_follows_its_value_and_ends_with_its_frame(watched: MiServer) -> None:
    thread = run_to(watched, at("local-write"))
    made = watched.done(f'-var-create --thread {thread} --frame 0 - * "sum"')
    watched.done(f"-exec-next --thread {thread}")
    watched.stopped()
    (changed,) = watched.done("-var-update 1 *")["changelist"]
    assert (changed["name"], changed["in_scope"]) == (made["name"], "true")
    assert int(changed["value"]) == int(made["value"]) + 5
    run_to(watched, at("loop"))
    (changed,) = watched.done(f"-var-update {made['name']}")["changelist"]
    assert changed["in_scope"] == "false"
    assert watched.ask(f"-var-evaluate-expression {made['name']}")["msg"] == f"the frame of {made['name']} is gone"
    assert watched.done(f"-var-delete {made['name']}") == {"ndeleted": "1"}


def test_memory_is_read_and_written_also_while_the_target_runs(watched: MiServer) -> None:
    address = int(watched.done('-data-evaluate-expression "&settings"')["value"].split()[0].strip("()"), 0)
    watched.done(f"-data-write-memory-bytes {address:#x} 08000000")
    watched.done("-exec-continue")
    (block,) = watched.done(f"-data-read-memory-bytes {address:#x} 4")["memory"]
    assert (block["begin"], block["contents"]) == (f"{address:#x}", "08000000")
    watched.done(f"-data-write-memory-bytes {address:#x} 07000000")
    assert watched.done('-data-evaluate-expression "settings"') == {"value": "7"}
    assert "Cannot access memory" in watched.ask("-data-write-memory-bytes 0x10 00")["msg"]
    watched.done("-exec-interrupt")
    watched.stopped()


def test_commands_of_lldbs_own_are_told_as_console_text(watched: MiServer) -> None:
    lines = watched.heard('-interpreter-exec console "thread list"')
    (console,) = (line for line in lines if line.startswith("~"))
    assert console.startswith('~"Process 1 stopped')
    assert "thread #2" in console
    assert lines[lines.index(console) + 1].endswith("^done")
    assert "no-such-command" in watched.ask('-interpreter-exec console "no-such-command"')["msg"]
    assert watched.ask('-interpreter-exec tui "thread list"')["msg"] == "no interpreter 'tui'"


def test_one_malformed_line_spoils_nothing(watched: MiServer) -> None:
    assert watched.say("what is this")["msg"] == "no MI command: what is this"
    assert watched.say("-thread-select") == {
        "msg": "-thread-select: select() missing 1 required positional argument: 'number'"
    }
    assert "Undefined MI command" in watched.ask("-exec-no-such-thing")["msg"]
    assert "msg" in watched.ask("-thread-select one")
    assert "msg" in watched.ask("-data-read-memory-bytes nowhere 4")
    assert watched.done("-thread-select 2") == {"new-thread-id": "2"}
    # A batch does what it can.
    answers = watched.done('-x-batch "-thread-select 1" "nonsense" "-gdb-show confirm"')["answers"]
    assert [*map(sorted, answers)] == [["done"], ["error"], ["done"]]


def test_a_batch_of_breakpoints_leaves_nothing_in_the_standing_code_and_no_thread_bound(watched: MiServer) -> None:
    marks = ("local-write", "thread-write", "total-write")
    inserts = [f"-break-insert {at(each)}" for each in marks]
    answers = watched.done(" ".join(["-x-batch", *map(json.dumps, inserts)]))["answers"]
    made = [each["done"]["bkpt"] for each in answers]
    assert [each["line"] for each in made] == [mark("watched.c", each) for each in marks]
    assert healing.find_breakpoints(watched.target_pid) == {}
    (lldb_server,) = procfs.tracers(watched.target_pid)
    (server,) = (each for each in procfs.children(procfs.parent(lldb_server)) if each != lldb_server)
    threads = [lldb_server, *procfs.thread_states(server)]
    assert {frozenset(os.sched_getaffinity(each)) for each in threads} == {frozenset(os.sched_getaffinity(0))}
    watched.done(" ".join(["-break-delete", *(str(each["number"]) for each in made)]))


def test_a_resume_behind_the_letting_go_leaves_the_code_alone() -> None:
    with server_for("watched") as server:
        stop_at(server, "watched.c", mark("watched.c", "local-write"))
        server.done("-target-detach")
        assert "msg" in server.ask("-exec-continue")
        assert healing.find_breakpoints(server.target_pid) == {}
        assert set(procfs.thread_states(server.target_pid).values()) <= set("SR")


def test_a_signal_stops_passes_or_is_kept_away() -> None:
    with server_for("signals") as server:
        assert server.ask("-x-signals sometimes SIGUSR1")["msg"] == "nothing is called 'sometimes'"
        server.done("-x-signals stop SIGUSR1 SIGSEGV")
        server.done("-x-signals ignore SIGUSR2")
        server.done("-target-attach 1")
        server.done("-exec-continue")
        stopped = server.stopped()
        assert (stopped["reason"], stopped["signal-name"]) == ("signal-received", "SIGUSR1")
        assert stopped["signal-meaning"] == "User defined signal 1"
        second = server.done('-data-evaluate-expression "(int)second"')
        server.done("-exec-continue")
        server.stopped()
        assert server.done('-data-evaluate-expression "(int)second"') == second
        server.done("-x-signals pass SIGUSR1 SIGUSR2")
        server.done("-exec-continue")


def test_libraries_come_and_go_and_pending_breakpoints_with_them() -> None:
    with server_for("swap", PLUGIN, "/tmp/trigger") as server:
        trigger = Path(f"/proc/{server.target_pid}/root/tmp/trigger")
        number = server.done(f"-break-insert -f {at('transform', 'plugin.c')}")["bkpt"]["number"]
        server.done("-target-attach 1")
        server.done("-exec-continue")
        trigger.touch()
        loaded = server.told("library-loaded", id=PLUGIN)
        assert (loaded["target-name"], loaded["host-name"]) == (PLUGIN, f"/proc/1/root{PLUGIN}")
        stopped = server.stopped()
        assert (stopped["reason"], stopped["bkptno"]) == ("breakpoint-hit", number)
        (shown,) = listed(server)
        assert shown["func"] == "transform"
        names = [each["id"] for each in server.done("-file-list-shared-libraries")["shared-libraries"]]
        assert names == ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2", PLUGIN]
        server.done(f"-break-delete {number}")
        trigger.unlink()
        server.done("-exec-continue")
        assert server.told("library-unloaded")["id"] == PLUGIN
