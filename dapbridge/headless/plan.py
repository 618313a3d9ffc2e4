"""What a run is to do, from the command line and the probe file together."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from dapbridge.config import parse_attach
from dapbridge.dap.messages import JsonObject
from dapbridge.errors import UserError
from dapbridge.headless.probes import Probe
from dapbridge.runtimes.target import parse_target

MAX_PAUSE_S = 30
"""The longest that a target may stand, should its hit not be looked at in time; the engine's own limit."""


class Plan(Struct, frozen=True):
    """A run. `attach` are attributes of the attach configuration for all targets, `probes` by their ids from 1."""

    targets: tuple[str, ...]
    probes: Mapping[int, Probe]
    command: tuple[str, ...] = ()
    attach: JsonObject = {}
    follow: bool = False
    timeout_s: float | None = None
    depth: int = 2

    def attach_arguments(self, target: str, *, stop_on_entry: bool) -> JsonObject:
        """Return the arguments of `attach` for a target."""
        return {"maxPause": MAX_PAUSE_S} | self.attach | {"target": target, "stopOnEntry": stop_on_entry}

    def probes_of(self, target: str) -> dict[int, Probe]:
        """Return the probes that are meant for a target."""
        return {id_: each for id_, each in self.probes.items() if not each.targets or target in each.targets}


def check(plan: Plan) -> None:
    """Raise UserError for what can be seen to be wrong before anything is touched."""
    if not plan.targets:
        raise UserError("no target: name a container, e.g. `dapbridge run api --on-crash -- make test`")
    if len(set(plan.targets)) < len(plan.targets):
        raise UserError("a target is named twice")
    for target in plan.targets:
        parse_target(target)
        parse_attach(plan.attach_arguments(target, stop_on_entry=False))
    for probe in plan.probes.values():
        unknown = [each for each in probe.targets if each not in plan.targets]
        if unknown:
            raise UserError(f"probe '{probe.text}': '{unknown[0]}' is none of the targets {', '.join(plan.targets)}")
        if probe.kind == "hang" and not plan.command:
            raise UserError("on-hang looks at the output of COMMAND: write one behind --")
    if plan.timeout_s is not None and not 0 < plan.timeout_s < float("inf"):
        raise UserError(f"timeout takes a number of seconds above 0, not {plan.timeout_s:g}")


def with_absolute_paths(probes: Iterable[Probe], folder: Path) -> list[Probe]:
    """Return the probes with the paths of their sources made absolute, seen from `folder`."""
    base = os.path.abspath(folder)
    return [
        msgspec.structs.replace(each, path=_absolute(each.path, base), written_path=each.path) if each.path else each
        for each in probes
    ]


def _absolute(path: str, base: str) -> str:
    # A Windows path is for an editor elsewhere, and stays what it is.
    return path if re.match(r"[A-Za-z]:[\\/]", path) else os.path.normpath(os.path.join(base, path))
