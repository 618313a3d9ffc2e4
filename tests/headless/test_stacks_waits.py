"""What threads wait for, by their system call and functions."""

import pytest
from stacks_samples import seen, thread

from dapbridge.headless.stacks.report import Wait
from dapbridge.headless.stacks.waits import deadlocks_of, go_wait_of, wait_of

NAMES = {1: "main", 7: "holder", 8: ""}
LOCK = ("", "pthread_mutex_lock", "std::mutex::lock", "pay")


def text_of(wait: Wait | None) -> str | None:
    return wait and wait.text


@pytest.mark.parametrize(
    "function",
    ["pthread_mutex_lock", "___pthread_mutex_lock", "__GI___pthread_mutex_lock", "__pthread_mutex_cond_lock"],
)
def test_a_mutex_and_who_holds_it(function: str) -> None:
    waiting = seen(1, call="futex", arguments=[0x1000, 128, 2], owner=7)
    assert wait_of(waiting, ["__lll_lock_wait", function], NAMES) == Wait(
        "mutex", "waits for mutex 0x1000, held by 'holder' (7)", 7
    )


def test_a_mutex_whose_owner_is_no_thread_of_the_process() -> None:
    waiting = seen(1, call="futex", arguments=[0x1000, 128, 2], owner=4711)
    assert wait_of(waiting, LOCK, NAMES) == Wait("mutex", "waits for mutex 0x1000")


def test_a_lock_of_the_c_library_itself_has_no_owner() -> None:
    waiting = seen(1, call="futex", arguments=[0x1000, 128, 2], owner=7)
    assert wait_of(waiting, ["__lll_lock_wait_private", "malloc", "pay"], NAMES) == Wait(
        "futex", "waits for futex 0x1000"
    )


@pytest.mark.parametrize(
    ("functions", "text"),
    [
        (["__futex_abstimed_wait", "pthread_cond_wait", "wait"], "waits for condition variable 0x10"),
        (["pthread_mutex_lock", "__pthread_cond_wait_common", "wait"], "waits for mutex 0x10"),
        (["__new_sem_wait_slow64", "run"], "waits for a semaphore"),
        (["__pthread_rwlock_wrlock_full64", "run"], "waits for a read-write lock"),
        (
            ["std::sys::pal::unix::futex::futex_wait", "std::sys::sync::mutex::futex::Mutex::lock_contended"],
            "waits for a mutex",
        ),
        (["syscall", "run"], "waits for futex 0x10"),
    ],
)
def test_other_futexes(functions: list[str], text: str) -> None:
    waiting = seen(1, call="futex", arguments=[0x10, 0, 0])
    assert text_of(wait_of(waiting, functions, NAMES)) == text


@pytest.mark.parametrize(
    "function", ["__pthread_clockjoin_ex", "std::thread::join", "std::thread::JoinInner<()>::join"]
)
def test_the_end_of_another_thread(function: str) -> None:
    waiting = seen(1, call="futex", arguments=[0x10, 265, 8])
    assert wait_of(waiting, ["", function, "main"], NAMES) == Wait("thread_end", "waits for the end of thread 8", 8)


@pytest.mark.parametrize(
    ("call", "file", "text"),
    [
        ("read", "pipe:[12]", "reads fd 3 (pipe:[12])"),
        ("recvfrom", "tcp 10.0.0.1:80 → 10.0.0.2:4711", "receives on fd 3 (tcp 10.0.0.1:80 → 10.0.0.2:4711)"),
        ("accept4", None, "accepts on fd 3"),
        ("epoll_wait", "epoll of 2: 5, 6", "waits for epoll of 2: 5, 6 (fd 3)"),
    ],
)
def test_descriptors(call: str, file: str | None, text: str) -> None:
    assert text_of(wait_of(seen(1, call=call, arguments=[3], descriptor=3, file=file), [], NAMES)) == text


@pytest.mark.parametrize(
    ("functions", "text"),
    [
        (["clock_nanosleep", "nanosleep"], "sleeps"),
        (["__GI___poll"], "polls"),
        (["", "pthread_cond_clockwait"], "waits for condition variable 0x10"),
        (["work"], "in system call 0"),
    ],
)
def test_a_call_that_went_on_after_a_freeze_is_told_by_its_function(functions: list[str], text: str) -> None:
    assert text_of(wait_of(seen(1, call="restart_syscall", arguments=[0x10]), functions, NAMES)) == text


def test_who_runs_waits_for_nothing() -> None:
    assert wait_of(seen(1), ["work"], NAMES) is None
    stuck = seen(1, state="D", wchan="folio_wait_bit", stopped=False)
    assert text_of(wait_of(stuck, [], NAMES)) == "held by the kernel (folio_wait_bit)"


def holds(tid: int, holder: int | None) -> Wait:
    return Wait("mutex", "", holder)


def test_deadlocks_are_rings_each_told_once() -> None:
    threads = [
        thread(1, wait=Wait("thread_end", "", 2)),
        thread(2, wait=holds(2, 3)),
        thread(3, wait=holds(3, 4)),
        thread(4, wait=holds(4, 2)),
        thread(5, wait=holds(5, 3)),
        thread(6, wait=holds(6, 6)),
        thread(7, wait=holds(7, 8)),
        thread(8),
        thread(9, wait=holds(9, None)),
    ]
    assert deadlocks_of(threads) == [(2, 3, 4), (6,)]


@pytest.mark.parametrize(
    ("functions", "text"),
    [
        (["runtime.gopark", "time.Sleep", "main.work"], "sleeps"),
        (["runtime.gopark", "runtime.chanrecv", "runtime.chanrecv1", "main.work"], "receives from a channel"),
        (["runtime.gopark", "runtime.selectgo", "main.main"], "selects"),
        (
            [
                "runtime.gopark",
                "runtime.semacquire1",
                "internal/sync.(*Mutex).lockSlow",
                "sync.(*Mutex).Lock",
                "main.f",
            ],
            "waits for a mutex",
        ),
        (["runtime.gopark", "runtime.netpollblock", "poll.(*FD).Accept", "net.(*netFD).accept"], "accepts"),
        (["main.work"], None),
    ],
)
def test_goroutines_wait_by_their_functions(functions: list[str], text: str | None) -> None:
    assert text_of(go_wait_of(functions)) == text
