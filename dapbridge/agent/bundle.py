"""The agent as bytes: the command that a sidecar is started with, and what is sent to its stdin first.

So any image with a Python runs exactly the agent of this dapbridge.
"""

from collections.abc import Sequence
from functools import cache

import msgspec

from dapbridge.agent.facts import AgentScope

SILENCE_S = 15.0
"""How long an agent that hears nothing waits before it lets go."""

# Ended by SIGALRM when no bundle comes. -S: the sidecar's site-packages are nothing to us and cost time; `signal`
# does too.
_BOOTSTRAP = """\
import _signal
_signal.alarm(60)
import json, os
def take(size):
    data = b""
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            raise SystemExit("the stream ended before the agent had come")
        data += part
    return data
bundle = json.loads(take(int(take(8), 16)))
loader = {"__name__": "dapbridge.agent.remote.loader"}
exec(compile(bundle["sources"][loader["__name__"]], "<bundle>/loader", "exec"), loader)
loader["start"](bundle)
"""

BOOTSTRAP_ARGV: list[str] = ["python3", "-I", "-S", "-c", _BOOTSTRAP]


def make_bundle(scope: AgentScope, *, silence_s: float = SILENCE_S, early_argv: Sequence[str] = ()) -> bytes:
    """Return the first bytes for the agent's stdin; `early_argv` is as for Agent.connect."""
    content = {"scope": scope, "silence_s": silence_s, "early_argv": early_argv, "sources": _sources()}
    body = msgspec.json.encode(content)
    return b"%08x" % len(body) + body


@cache
def _sources() -> dict[str, str]:
    """Read the modules that run in the sidecar, by their full names."""
    from importlib.resources import files

    agent = files("dapbridge.agent")
    sources = {"dapbridge.agent.frames": agent.joinpath("frames.py").read_text("utf-8")}
    for file in agent.joinpath("remote").iterdir():
        name = file.name.removesuffix(".py")
        if name not in (file.name, "__init__"):
            sources[f"dapbridge.agent.remote.{name}"] = file.read_text("utf-8")
    return sources
