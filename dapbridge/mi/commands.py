"""MI commands as text (GDB manual, "GDB/MI Input Syntax")."""

import re

_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9_./$*@:+<>=%&#~^-]+\Z")


def quote(text: str) -> str:
    """Return `text` as an MI c-string, quotes included."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def parameter(value: str | int) -> str:
    """Return one parameter of a command, quoted only where it has to be."""
    text = str(value)
    return text if _NEEDS_NO_QUOTES.match(text) else quote(text)


def command(operation: str, *parameters: str | int, **options: str | int | None) -> str:
    """Build `-operation --option value … parameters`; an option that is None is left out."""
    words = [f"-{operation}"]
    for name, value in options.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", parameter(value)]
    words += [parameter(each) for each in parameters]
    return " ".join(words)


def console(cli_command: str) -> str:
    """Build the MI command that runs a command of the debugger's own command line."""
    return f"-interpreter-exec console {quote(cli_command)}"
