"""Kinds of requests, by what they do to the target (DAP, "Requests")."""

RESUMING = frozenset(("continue", "next", "stepIn", "stepOut", "stepBack", "reverseContinue", "goto"))
"""Requests that let the target run."""

CHANGING = frozenset(("setVariable", "setExpression", "writeMemory", "goto", "restartFrame"))
"""Requests that change it, whatever the debugger."""
