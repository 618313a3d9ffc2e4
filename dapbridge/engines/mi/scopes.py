"""DAP `scopes`: what a frame has to show, the dear parts of it only when they are opened."""

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.variables import Scope, ScopeKind, typed_variables


class ScopesArguments(Arguments, frozen=True):
    """DAP "ScopesArguments"."""

    frame_id: int


@request("scopes", needs_stop=True)
async def scopes(context: Context, arguments: ScopesArguments) -> JsonObject:
    """DAP "Scopes": Arguments, Locals, Registers."""
    stop = context.stopped
    frame = stop.frame(arguments.frame_id)
    variables = await typed_variables(context, frame)
    argument_count = sum(each.get("arg") == "1" for each in variables)

    def scope(name: str, kind: ScopeKind, *, expensive: bool = False) -> JsonObject:
        reference = stop.reference(Scope(frame, kind))
        return {"name": name, "presentationHint": kind, "variablesReference": reference, "expensive": expensive}

    found = [
        scope("Locals", "locals") | {"namedVariables": len(variables) - argument_count},
        scope("Registers", "registers", expensive=True),
    ]
    if argument_count:
        found.insert(0, scope("Arguments", "arguments") | {"namedVariables": argument_count})
    return {"scopes": found}
