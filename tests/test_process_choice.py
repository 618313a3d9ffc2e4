import pytest

from dapbridge.agent.facts import Process
from dapbridge.errors import UserError
from dapbridge.process_choice import choose_process


def process(pid: int, *command: str, name: str = "api", state: str = "S") -> Process:
    return Process(
        pid=pid,
        ppid=0,
        name=name,
        command=command,
        exe=None,
        uid=0,
        gid=0,
        state=state,
        threads=1,
        tracer_pid=0,
        cap_permitted=0,
        start_ticks=0,
        has_ended=False,
        exit_status=0,
    )


MASTER = process(7, "/usr/sbin/api", "--master")
WORKER = process(12, "/usr/sbin/api", "--worker", "3")
HELPER = process(13, name="helper")
ZOMBIE = process(14, name="gone", state="Z")
PROCESSES = [MASTER, WORKER, HELPER, ZOMBIE]


def refusal(processes: list[Process], wanted: int | str | None, main_pid: int | None = 7) -> str:
    with pytest.raises(UserError) as caught:
        choose_process(processes, wanted, main_pid)
    return str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, MASTER),
        (12, WORKER),
        ("--worker", WORKER),
        (r"api --work.r \d$", WORKER),
        ("^/usr/sbin/api --master$", MASTER),
        ("helper", HELPER),
    ],
)
def test_a_process_is_chosen(wanted: int | str | None, chosen: Process) -> None:
    assert choose_process(PROCESSES, wanted, 7) is chosen


def test_command_lines_go_before_names() -> None:
    named_alike = process(20, "/bin/other", name="worker")
    assert choose_process([WORKER, named_alike], "worker", 7) is WORKER


def test_the_only_process_is_the_main_one_where_the_runtime_knows_none() -> None:
    assert choose_process([ZOMBIE, WORKER], None, None) is WORKER


def test_an_unknown_main_process_is_asked_for() -> None:
    assert refusal(PROCESSES, None, None) == (
        "it is not known which process is the target's main one; set 'process' to a pid of "
        "7 (/usr/sbin/api --master), 12 (/usr/sbin/api --worker 3), 13 ([helper])"
    )


def test_a_pid_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert refusal([MASTER, HELPER], 99) == (
        "no process 99 in the target; there are 7 (/usr/sbin/api --master), 13 ([helper])"
    )


def test_a_zombie_is_refused() -> None:
    text = "process 14 ([gone]) has ended and only waits for its parent: there's nothing to debug"
    assert refusal(PROCESSES, 14) == text
    assert refusal(PROCESSES, None, 14) == text


def test_a_pattern_that_nothing_is_like_is_refused_and_zombies_do_not_count() -> None:
    assert (
        refusal([MASTER, ZOMBIE], "gone")
        == "no process like 'gone' in the target; there are 7 (/usr/sbin/api --master)"
    )


def test_a_pattern_that_several_are_like_is_refused_with_them() -> None:
    assert refusal(PROCESSES, "api") == (
        "several processes are like 'api'; set 'process' to one pid of "
        "7 (/usr/sbin/api --master), 12 (/usr/sbin/api --worker 3)"
    )


def test_a_broken_pattern_is_refused() -> None:
    assert refusal(PROCESSES, "(") == (
        "process '(' is no regular expression: missing ), unterminated subpattern at position 0"
    )


@pytest.mark.parametrize("processes", [[], [ZOMBIE]])
def test_a_target_without_a_running_process_is_refused(processes: list[Process]) -> None:
    assert refusal(processes, None) == "the target has no running process to attach to"


def test_a_hostile_command_line_is_shown_short_and_on_one_line() -> None:
    text = refusal([process(7, "x\n\x1b[2J" + "y" * 5000)], 99)
    assert text == "no process 99 in the target; there are 7 (x??[2J" + "y" * 73 + "…)"


def test_a_long_list_is_cut() -> None:
    many = [process(pid, "/bin/worker") for pid in range(1, 31)]
    assert refusal(many, "worker").endswith("10 (/bin/worker), and 20 more")
