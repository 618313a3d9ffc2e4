"""Runs inside gdb: views made by gdb's pretty-printers, for libraries that have no file here."""

from collections.abc import Iterator
from typing import Any

import gdb

from .texts import text_of_printer
from .views import Child, Value, View, Walked, plain


def view(printer: Any) -> View:
    """Return the view that a pretty-printer gives; one may make it itself."""
    if hasattr(printer, "view"):
        made: View = printer.view()
        return made
    hint = printer.display_hint() if hasattr(printer, "display_hint") else None
    lead = printer.to_string() if hasattr(printer, "to_string") else ""
    if (text := text_of_printer(lead, hint)) is not None:
        return View(text=text)
    if isinstance(lead, gdb.Value):
        lead = lead.format_string()
    head = str(lead or "")
    if not hasattr(printer, "children"):
        return plain(head)
    if hint == "map":
        return View(
            head=head, indexed=True, children=lambda: Walked(lambda: _pairs(iter(printer.children())), None, _pair)
        )

    def child(index: int, each: Any) -> Child:
        name, content = each
        return Child(f"[{index}]" if hint == "array" else str(name), lambda: _as_value(content))

    link = "" if hint == "array" else " = "
    return View(
        head=head, link=link, indexed=not link, children=lambda: Walked(lambda: iter(printer.children()), None, child)
    )


def _as_value(content: Any) -> Value:
    """Return what a printer gives as a value; it may be a number or text of Python's."""
    return content if isinstance(content, gdb.Value) else gdb.Value(content)


def _pairs(children: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    for (_, key), (_, value) in zip(children, children, strict=False):
        yield key, value


def _pair(index: int, pair: tuple[Any, Any]) -> Child:
    return Child("", lambda: _as_value(pair[1]), key=lambda: _as_value(pair[0]))
