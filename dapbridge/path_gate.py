"""The one place where paths cross between client and target; owned by the session.

Which fields hold paths is the table of `dap/path_fields.py`, how a path changes is `paths.py`; here is which rules hold
now, and how `substitutePath: "auto"` comes to its rules: by asking the debug info for sources of the same name.
"""

import re
from collections.abc import Sequence
from typing import Literal

from dapbridge.config import SubstitutePathRule
from dapbridge.dap.messages import Event, Request, Response
from dapbridge.dap.path_fields import map_message_paths, map_request_paths
from dapbridge.engines.base import Engine
from dapbridge.paths import PathMap, learn_rule

# The requests in which a client first names a source that it wants to be stopped in.
_LEARNING_REQUESTS = ("setBreakpoints", "breakpointLocations")


class PathGate:
    """The substitute-path rules of a session, given or learned."""

    def __init__(self, rules: Sequence[SubstitutePathRule] | Literal["auto"]) -> None:
        self._learning = rules == "auto"
        self._map = PathMap(() if rules == "auto" else rules)
        self._settled: set[str] = set()

    def to_target(self, request: Request) -> Request:
        """Rewrite a request's client paths to target paths."""
        return map_request_paths(request, self._map.to_target)

    def to_client(self, message: Response | Event) -> Response | Event:
        """Rewrite target paths of a response or event to client paths."""
        return map_message_paths(message, self._map.to_client)

    def find_unknown_path(self, request: Request) -> str | None:
        """Return the client path in the request for which a rule has to be learned first."""
        if not self._learning or request.command not in _LEARNING_REQUESTS:
            return None
        source = request.arguments.get("source")
        path = source.get("path") if isinstance(source, dict) else None
        if not isinstance(path, str) or path in self._settled or self._map.to_target(path) != path:
            return None
        return path

    async def learn(self, client_path: str, engine: Engine) -> SubstitutePathRule | None:
        """Ask the debug info for sources called like `client_path`; return the new rule that they give, if any.

        A path without any such source is asked for again next time: its library may not have been loaded yet.
        """
        target_paths = await engine.find_sources(re.split(r"[/\\]", client_path)[-1])
        if target_paths:
            self._settled.add(client_path)
        rule = learn_rule(client_path, target_paths)
        if rule is not None:
            self._map = self._map.with_rule(rule)
        return rule
