"""Which signals stop the target, reach it unseen, or are kept from it: the configuration's `signals` and the filter's.

Those that end a program stop it unless something else is wished; all others are the program's own business.
"""

from typing import TYPE_CHECKING

from dapbridge.config import AttachConfig, SignalAction, find_signal_name
from dapbridge.errors import UserError

if TYPE_CHECKING:
    from dapbridge.engines.mi.context import Context

FATAL = ("SIGSEGV", "SIGABRT", "SIGILL", "SIGFPE", "SIGBUS", "SIGSYS")


def actions(config: AttachConfig, stopping: tuple[str, ...] = FATAL) -> dict[str, SignalAction]:
    """Return what to do at each signal that isn't just passed on unseen."""
    configured = {name: action for name, action in config.signals.items() if action != "pass"}
    wished: dict[str, SignalAction] = dict.fromkeys(stopping, "stop")
    if stopping == FATAL:
        # What is stopped at by default is for the configuration to say.
        wished = {name: action for name, action in wished.items() if name not in config.signals}
    return configured | wished


def parse_names(text: str) -> tuple[str, ...]:
    """Return the signals of a list like "SIGUSR1, SEGV 10". Raises UserError for what is none."""
    names = []
    for word in text.replace(",", " ").split():
        if (name := find_signal_name(word)) is None:
            raise UserError(f"{word!r} is no signal that can be chosen; list names, e.g. SIGUSR1, SIGSEGV")
        names.append(name)
    return tuple(dict.fromkeys(names))


async def choose(context: "Context", stopping: tuple[str, ...]) -> None:
    """Stop at these signals, and at those of the configuration, from now on; the target may run."""
    before, after = context.signal_actions, actions(context.config, stopping)
    context.signal_actions = after
    changes: dict[SignalAction, list[str]] = {}
    for name in before | after:
        if (action := after.get(name, "pass")) != before.get(name, "pass"):
            changes.setdefault(action, []).append(name)
    with context.debugger.burst():
        answers = [
            context.debugger.send(context.dialect.handle_signals(names, action)) for action, names in changes.items()
        ]
    for each in answers:
        await each
