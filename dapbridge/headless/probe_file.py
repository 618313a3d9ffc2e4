"""`dapbridge.yml`: targets, probes and settings of a run in a file. docs/dapbridge.schema.json is made of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from dapbridge.errors import UserError
from dapbridge.headless.probes import Probe, parse_break, parse_function, parse_hang, parse_log, parse_watch

DEFAULT_NAME = "dapbridge.yml"

Positive = Annotated[float, Meta(gt=0)]


class ProbeEntry(Struct, frozen=True, rename="kebab", forbid_unknown_fields=True, omit_defaults=True):
    """A probe: exactly one of break, break-function, watch, log, on-crash and on-hang, and what to do with its hits."""

    break_: Annotated[str, Meta(description="FILE:LINE, or FILE:LINE if CONDITION")] | None = msgspec.field(
        name="break", default=None
    )
    break_function: Annotated[str, Meta(description="NAME, or NAME if CONDITION")] | None = None
    watch: (
        Annotated[str, Meta(description="An expression of global data whose value is watched for changes")] | None
    ) = None
    log: Annotated[str, Meta(description="FILE:LINE: text with {expressions}")] | None = None
    on_crash: Annotated[Literal[True], Meta(description="A signal that ends the program, or a panic")] | None = None
    on_hang: Annotated[float, Meta(gt=0, description="Seconds without any output of the command")] | None = None
    capture: Annotated[
        tuple[str, ...], Meta(description="Expressions to show at a hit, instead of arguments and locals")
    ] = ()
    max_hits: Annotated[int, Meta(ge=0, description="So many hits are looked at; 0: all")] | None = None
    expect: Annotated[Literal["hit", "no-hit"], Meta(description="What makes the run fail otherwise")] | None = None
    targets: Annotated[tuple[str, ...], Meta(description="Only in these targets")] = ()


class RunFile(Struct, frozen=True, rename="kebab", forbid_unknown_fields=True, omit_defaults=True):
    """A run of `dapbridge run`. Where the command line says the same, it counts; probes of both are watched."""

    targets: Annotated[tuple[str, ...], Meta(description="Containers, or target URIs")] = ()
    probes: tuple[ProbeEntry, ...] = ()
    command: (
        Annotated[str, Meta(description="A line for the shell")]
        | Annotated[tuple[str, ...], Meta(description="A program and its arguments")]
    ) = ()
    attach: Annotated[
        dict[str, Any], Meta(description="Attributes of the attach configuration, as in launch.json, for all targets")
    ] = {}
    follow: Annotated[bool, Meta(description="Attach again to a target that has started anew")] = False
    timeout: Annotated[float, Meta(gt=0, description="Seconds for the whole run")] | None = None
    depth: Annotated[int, Meta(ge=1, le=10, description="How many levels of variables are shown")] | None = None

    @property
    def argv(self) -> tuple[str, ...]:
        """The command as a program and its arguments."""
        return ("sh", "-c", self.command) if isinstance(self.command, str) else self.command


_KINDS: dict[str, Callable[[Any], Probe]] = {
    "break_": parse_break,
    "break_function": parse_function,
    "watch": parse_watch,
    "log": parse_log,
    "on_crash": lambda _: Probe("crash"),
    "on_hang": parse_hang,
}


def read_run_file(path: Path) -> RunFile:
    """Read a file. Raises UserError that names the place in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no YAML: {error}") from None
    return parse_run_file(text, str(path))


def parse_run_file(text: str, name: str) -> RunFile:
    """Parse a file's text. Raises UserError that names the place in it."""
    import yaml

    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{name} is no YAML: {' '.join(str(error).split())}") from None
    try:
        return msgspec.convert({} if loaded is None else loaded, RunFile)
    except msgspec.ValidationError as error:
        raise UserError(f"{name}: {error}") from None


def to_probes(file: RunFile) -> list[Probe]:
    """Return the probes of a file. Raises UserError."""
    return [_to_probe(number, each) for number, each in enumerate(file.probes, 1)]


def _to_probe(number: int, entry: ProbeEntry) -> Probe:
    kinds = [name for name in _KINDS if getattr(entry, name) is not None]
    if len(kinds) != 1:
        names = ", ".join(each.strip("_").replace("_", "-") for each in _KINDS)
        raise UserError(f"probe {number}: it needs exactly one of {names}")
    probe = _KINDS[kinds[0]](getattr(entry, kinds[0]))
    return msgspec.structs.replace(
        probe, capture=entry.capture, max_hits=entry.max_hits, expect=entry.expect, targets=entry.targets
    )
