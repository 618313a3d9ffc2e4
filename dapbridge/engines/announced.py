"""What is announced before it is known which engine it will be, for VS Code takes it from then or never.

VS Code shows exception filters and breakpoint modes that stand in the answer to `initialize`, not those of a later
`capabilities` event; and filters that it doesn't know of it switches off. An engine without them ignores them.
"""

from dapbridge.dap.messages import JsonObject

SIGNALS = "signals"


def _filter(name: str, label: str, description: str, condition: str, *, default: bool = False) -> JsonObject:
    return {
        "filter": name,
        "label": label,
        "description": description,
        "default": default,
        "supportsCondition": True,
        "conditionDescription": condition,
    }


_TYPES = "Regular expression over the type's name, e.g. ^std::"
EXCEPTION_FILTERS = [
    _filter(
        SIGNALS,
        "Signals",
        "Stop at the signals that end a program, or at those of the condition",
        "List of signals, e.g. SIGUSR1, SIGSEGV",
        default=True,
    ),
    _filter("cpp_throw", "C++: Thrown", "Stop where a C++ exception is thrown", _TYPES),
    _filter("cpp_rethrow", "C++: Thrown Again", "Stop where a C++ exception is thrown again", _TYPES),
    _filter("cpp_catch", "C++: Caught", "Stop where a C++ exception is caught", _TYPES),
    _filter(
        "rust_panic",
        "Rust: Panics",
        "Stop where a Rust program panics, caught or not",
        "Regular expression over the message",
    ),
]

BREAKPOINT_MODES = [
    {"mode": "software", "label": "Software", "appliesTo": ["source", "instruction"]},
    {
        "mode": "hardware",
        "label": "Hardware",
        "description": "Writes nothing into the code; a processor has only a few",
        "appliesTo": ["source", "instruction"],
    },
]
