"""All of DAP's features, which of them dapbridge has, and which test shows each against a real target.

A feature is a request, an event or a capability. What is there is read from the code's own tables; a test claims what
it shows by `@pytest.mark.shows("goto", …)`, and `unproven` looks whether the claim is true. docs/dap.md is made of
this: `PYTHONPATH=.:tests python -m support.dap_features` writes it.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from support.dap_schema import capability_names, event_names, known_commands

from dapbridge.engines.mi.engine import HANDLERS
from dapbridge.engines.mi.requests import capabilities_of
from dapbridge.session import OWN_REQUESTS
from dapbridge.session_arguments import COMMON_CAPABILITIES

PAGE = Path(__file__).parents[2] / "docs" / "dap.md"
E2E = Path(__file__).parents[1] / "e2e"

_BEGIN, _END = "<!-- table: begin -->", "<!-- table: end -->"
_NEEDS_A_LAUNCH = "dapbridge attaches to what runs already"
_NEVER_ENDS = "dapbridge never ends or freezes the target"
_REASONS = {
    "launch": _NEEDS_A_LAUNCH,
    "runInTerminal": _NEEDS_A_LAUNCH,
    "startDebugging": "one session shows all processes",
    "restart": _NEEDS_A_LAUNCH,
    "supportsRestartRequest": _NEEDS_A_LAUNCH,
    "terminate": _NEVER_ENDS,
    "supportsTerminateRequest": _NEVER_ENDS,
    "supportTerminateDebuggee": _NEVER_ENDS,
    "supportSuspendDebuggee": _NEVER_ENDS,
    "terminateThreads": "a thread that is killed takes its locks with it",
    "supportsTerminateThreadsRequest": "a thread that is killed takes its locks with it",
    "restartFrame": "gdb can't",
    "supportsRestartFrame": "gdb can't",
    "supportsExceptionOptions": "filters with conditions say the same",
    "supportedChecksumAlgorithms": "the debug info of GCC holds no checksums",
    "supportsANSIStyling": "outputs are plain text",
}


@dataclass(frozen=True)
class Feature:
    """One row: `test` is "file.py::test" where dapbridge has the feature, else `reason` says why it has it not."""

    kind: str
    name: str
    test: str | None
    reason: str


def features() -> list[Feature]:
    """Return all features of DAP in the schema's order."""
    claims = claimed_by()
    kinds = (("request", known_commands()), ("event", event_names()), ("capability", capability_names()))
    return [
        Feature(kind, name, claims.get(name, [None])[0], _REASONS.get(name, ""))
        for kind, names in kinds
        for name in names
    ]


def in_code() -> set[str]:
    """Return the requests that are handled and the capabilities that are advertised."""
    return {*OWN_REQUESTS, *HANDLERS, *COMMON_CAPABILITIES, *capabilities_of(HANDLERS.values())}


@cache
def claimed_by() -> dict[str, list[str]]:
    """Return the end-to-end tests that claim to show a feature, by the feature's name."""
    claims: dict[str, list[str]] = {}
    for path in sorted(E2E.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                for name in _claims(node):
                    claims.setdefault(name, []).append(f"{path.name}::{node.name}")
    return claims


def unproven(claims: Iterable[str], transcripts: Iterable[list[dict[str, Any]]]) -> set[str]:
    """Return the claimed features that no transcript shows.

    A request must have been answered with success, an event received, a capability advertised.
    """
    shown: set[str] = set()
    for message in (message for transcript in transcripts for message in transcript):
        body = message.get("body") or {}
        match message:
            case {"type": "response", "success": True, "command": "initialize"}:
                shown |= {"initialize", *body}
            case {"type": "response", "success": True, "command": command}:
                shown.add(command)
            case {"type": "event", "event": "capabilities"}:
                shown |= {"capabilities", *(name for name, value in body["capabilities"].items() if value)}
            case {"type": "event", "event": event}:
                shown.add(event)
    return set(claims) - shown


def to_markdown(rows: list[Feature]) -> str:
    """Return the rows as a table, and how many there are of each kind."""
    lines = ["| | | dapbridge with gdb | shown by |", "|---|---|---|---|"]
    for row in rows:
        there, where = ("yes", f"`{row.test}`") if row.test else ("no", row.reason)
        lines.append(f"| {row.kind} | `{row.name}` | {there} | {where} |")
    counts = []
    for kind, plural in (("request", "requests"), ("event", "events"), ("capability", "capabilities")):
        of_kind = [row for row in rows if row.kind == kind]
        counts.append(f"{sum(row.test is not None for row in of_kind)} of {len(of_kind)} {plural}")
    total = sum(row.test is not None for row in rows)
    return f"**{total} of {len(rows)}**: {', '.join(counts)}.\n\n" + "\n".join(lines)


def with_table(page: str) -> str:
    """Return the page with a fresh table between its marks."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{to_markdown(features())}\n\n{_END}{after}"


def _claims(function: ast.AsyncFunctionDef | ast.FunctionDef) -> list[str]:
    calls = [each for mark in function.decorator_list for each in ast.walk(mark) if isinstance(each, ast.Call)]
    marks = [each for each in calls if ast.unparse(each.func) == "pytest.mark.shows"]
    texts = [each.value for mark in marks for each in ast.walk(mark) if isinstance(each, ast.Constant)]
    return [text for text in texts if isinstance(text, str)]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
