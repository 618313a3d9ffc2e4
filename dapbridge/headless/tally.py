"""Counts what has happened to each probe, and says in the end what came of it. Pure; told everything like a report."""

from collections import Counter
from collections.abc import Mapping, Sequence

from dapbridge.headless.happenings import Armed, Attached, Happening, Hit, Logged, ProbeResult, TargetEnded
from dapbridge.headless.probes import Probe


class Tally:
    """The hits and states of all probes in all targets."""

    def __init__(self, probes: Mapping[int, Probe], targets: Sequence[str]) -> None:
        self._probes = probes
        self._targets = targets
        self._hits: Counter[tuple[str, int]] = Counter()
        self._armed: set[tuple[str, int]] = set()
        self._unarmed: dict[tuple[str, int], str] = {}
        self._lost: dict[str, str] = {}

    def tell(self, happening: Happening) -> None:
        """See happenings.Report."""
        match happening:
            case Armed(target, probe, "armed"):
                self._armed.add((target, probe))
            case Armed(target, probe, _, message=message):
                self._unarmed[target, probe] = message or ""
            case Hit(target=target, probe=probe) | Logged(target=target, probe=probe):
                self._hits[target, probe] += 1
            case TargetEnded(target=target, lost=True, reason=reason):
                self._lost[target] = reason
            case Attached(target=target):
                self._lost.pop(target, None)

    @property
    def lost(self) -> Mapping[str, str]:
        """The targets whose debugger was lost, with the reason."""
        return self._lost

    def next_number(self, target: str, probe: int) -> int:
        """Return the number of a probe's next hit in a target, from 1."""
        return self._hits[target, probe] + 1

    def is_used_up(self, target: str, probe: int) -> bool:
        """Whether no more hits of a probe are wanted in a target."""
        limit = self._probes[probe].hit_limit
        return limit != 0 and self._hits[target, probe] >= limit

    def hits_left(self, target: str, probe: int) -> int:
        """Return how many hits are still wanted; 0 for no limit."""
        limit = self._probes[probe].hit_limit
        return max(limit - self._hits[target, probe], 1) if limit else 0

    def results(self) -> tuple[ProbeResult, ...]:
        """Say what came of each probe so far."""
        return tuple(self._result(id_, probe) for id_, probe in self._probes.items())

    def _result(self, id_: int, probe: Probe) -> ProbeResult:
        targets = [each for each in self._targets if not probe.targets or each in probe.targets]
        hits = sum(self._hits[each, id_] for each in targets)
        times = "not hit" if not hits else "hit once" if hits == 1 else f"hit {hits} times"
        if hits:
            verdict, message = ("failed", f"{times}, expected: no hit") if probe.expect == "no-hit" else ("", times)
        elif not any((each, id_) in self._armed for each in targets):
            reasons = dict.fromkeys(filter(None, (self._unarmed.get((each, id_)) for each in targets)))
            verdict, message = "error", "never armed" + (f": {'; '.join(reasons)}" if reasons else "")
        elif lost := next((each for each in targets if each in self._lost), None):
            verdict, message = "error", f"not hit, but the debugger beside {lost} was lost: {self._lost[lost]}"
        else:
            verdict, message = ("failed", f"{times}, expected: a hit") if probe.expect == "hit" else ("", times)
        if probe.expect is None:
            return ProbeResult(id_, hits, "none", message)
        return ProbeResult(id_, hits, verdict or "passed", message)  # type: ignore[arg-type]
