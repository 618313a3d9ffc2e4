import pytest

from dapbridge.headless.happenings import Armed, Attached, Hit, Logged, TargetEnded
from dapbridge.headless.probes import Expectation, Probe
from dapbridge.headless.tally import Tally


def tally(*, expect: Expectation | None, targets: tuple[str, ...] = (), max_hits: int | None = None) -> Tally:
    return Tally({1: Probe("break", expect=expect, targets=targets, max_hits=max_hits)}, ["api", "worker"])


def hit(target: str = "api") -> Hit:
    return Hit("", target, 1, 1, "breakpoint", 1.0)


@pytest.mark.parametrize(
    ("expect", "hits", "verdict", "message"),
    [
        ("hit", 2, "passed", "hit 2 times"),
        ("hit", 0, "failed", "not hit, expected: a hit"),
        ("no-hit", 1, "failed", "hit once, expected: no hit"),
        ("no-hit", 0, "passed", "not hit"),
        (None, 1, "none", "hit once"),
        (None, 0, "none", "not hit"),
    ],
)
def test_verdicts(expect: Expectation | None, hits: int, verdict: str, message: str) -> None:
    counts = tally(expect=expect)
    counts.tell(Armed("worker", 1, "armed"))
    for target in ("api", "worker")[:hits]:
        counts.tell(hit(target))
    (result,) = counts.results()
    assert (result.hits, result.verdict, result.message) == (hits, verdict, message)


def test_a_probe_that_was_armed_nowhere_proves_nothing() -> None:
    counts = tally(expect="no-hit")
    counts.tell(Armed("api", 1, "pending", message="no code"))
    counts.tell(Armed("worker", 1, "failed", message="no such place"))
    (result,) = counts.results()
    assert (result.verdict, result.message) == ("error", "never armed: no code; no such place")


def test_only_the_probes_own_targets_count() -> None:
    counts = tally(expect="no-hit", targets=("api",))
    counts.tell(Armed("worker", 1, "armed"))
    assert counts.results()[0].verdict == "error"


def test_a_lost_debugger_proves_nothing_until_it_is_back() -> None:
    counts = tally(expect="no-hit")
    counts.tell(Armed("api", 1, "armed"))
    counts.tell(TargetEnded("", "api", "the sidecar has ended", lost=True))
    assert counts.results()[0].verdict == "error"
    assert dict(counts.lost) == {"api": "the sidecar has ended"}
    counts.tell(Attached("", "api", 2, 0.1))
    assert counts.results()[0].verdict == "passed"
    assert not counts.lost


def test_hits_are_counted_by_target_and_up_to_a_limit() -> None:
    counts = tally(expect=None, max_hits=2)
    assert counts.hits_left("api", 1) == 2
    counts.tell(hit())
    assert (counts.hits_left("api", 1), counts.next_number("api", 1), counts.is_used_up("api", 1)) == (1, 2, False)
    counts.tell(Logged("", "api", 1, 2, "line"))
    assert counts.is_used_up("api", 1)
    assert (counts.next_number("worker", 1), counts.is_used_up("worker", 1)) == (1, False)
    endless = tally(expect=None, max_hits=0)
    endless.tell(hit())
    assert (endless.hits_left("api", 1), endless.is_used_up("api", 1)) == (0, False)
