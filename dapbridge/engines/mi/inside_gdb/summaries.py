"""Runs inside gdb: a value's text on one line, never longer than its budget of characters (and a little)."""

from .dispatch import view_of
from .views import ERRORS, Child, Look, Value, View

DEPTH = 4
_MAX_CHILDREN = 200
CUT = "…"


def summarize(value: Value, look: Look, budget: int = 200, depth: int = DEPTH, view: View | None = None) -> str:
    """Return the text of a value; what can't be read stands in it as `<gdb's words>`."""
    try:
        if value.is_optimized_out:
            return "<optimized out>"
        return _text(view_of(value, None, look) if view is None else view, look, budget, depth)
    except ERRORS as error:
        return failure(error)


def failure(error: BaseException) -> str:
    """Return the text that stands in the place of a value that can't be read."""
    words = str(error).strip()
    return "<optimized out>" if "optimized out" in words else f"<{words or type(error).__name__}>"


def _text(view: View, look: Look, budget: int, depth: int) -> str:
    if view.summary is not None:
        return view.summary(look)
    if view.refers is not None:
        return _referred(view, look, budget, depth)
    if view.text is not None:
        return str(view.text.shown(max(budget, 8)))
    opening, closing = view.brackets[0], view.brackets[1]
    if view.children is None:
        return view.head
    inside = _inside(view, look, budget - len(view.head), depth)
    if inside is None:
        return view.head or opening + closing
    space = "" if not view.head or opening in "([" else " " if view.link == ": " or look.rust else " = "
    padding = " " if view.link == ": " and view.head else ""
    return f"{view.head}{space}{opening}{padding}{inside}{padding}{closing}{view.tail}"


def _referred(view: View, look: Look, budget: int, depth: int) -> str:
    assert view.refers is not None
    if depth <= 0:
        return view.head + CUT
    return view.head + summarize(view.refers(), look, budget - len(view.head), depth - 1) + view.tail


def _inside(view: View, look: Look, budget: int, depth: int) -> str | None:
    assert view.children is not None
    children = view.children()
    if depth <= 0 or budget <= 0 or look.is_over:
        return CUT if children.count != 0 else None
    parts: list[str] = []
    used = 0
    limit = max(_MAX_CHILDREN, budget // 2) if budget > 100_000 else _MAX_CHILDREN
    position = 0
    while position < limit:
        # By tens: most are short, and a page costs less than its parts.
        drawn = children.get(position, position + 10, look)
        for child in drawn:
            if child.kind == "virtual" or "static" in child.attributes:
                continue
            if used >= budget or look.is_over:
                return ", ".join([*parts, CUT])
            part = _part(child, view, look, budget - used, depth)
            parts.append(part)
            used += len(part) + 2
            if view.indexed and part.endswith(">") and "Cannot access memory" in part:
                # Neither are those behind it.
                return ", ".join([*parts, CUT] if children.count != position + 1 else parts)
        position += len(drawn)
        if len(drawn) < 10:
            return ", ".join(parts) if parts else None
    more = children.count is None or children.count > position
    return ", ".join([*parts, CUT] if more else parts)


def _part(child: Child, view: View, look: Look, budget: int, depth: int) -> str:
    if child.make is None:
        text = child.shown or ""
    else:
        try:
            text = summarize(child.make(), look, budget, depth - 1)
        except ERRORS as error:
            text = failure(error)
    if not view.link or child.kind == "baseClass":
        return text
    name = name_of(child, look)
    return f"{name[1:-1] if look.rust and child.key else name}{view.link}{text}"


def name_of(child: Child, look: Look) -> str:
    """Return a child's name; a map's is its key."""
    if child.key is None:
        return child.name
    try:
        return f"[{summarize(child.key(), look.for_names, 80, 2)}]"
    except ERRORS as error:
        return f"[{failure(error)}]"
