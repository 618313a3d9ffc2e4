"""`-var-…`: variable objects, MI's own way to values (GDB manual, "GDB/MI Variable Objects").

The host asks by `-x-variables` and `-x-children`, one answer for a whole frame; these are what else MI's clients know.
Their texts and their children, also by pages, are the same.
"""

from __future__ import annotations

from typing import Any

from dapbridge.agent.remote.lldb_mi import looking
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.gdb_api import errors
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.evaluation import parse_and_eval
from dapbridge.agent.remote.lldb_mi.output import Named
from dapbridge.agent.remote.lldb_mi.parsing import take_flag
from dapbridge.agent.remote.lldb_mi.session import Session

_MAX_CHILDREN = 10_000
_NO_VALUES = ("0", "--no-values")
_PRINTED = (*_NO_VALUES, "1", "--all-values", "2", "--simple-values")


class VarObject:
    """One object: a view's child, seen from the frame that it was made in, or (`place` None) from the selected one."""

    def __init__(self, name: str, child: Any, place: tuple[int, int] | None, *, rust: bool) -> None:
        """place: the thread's number, and where the stack of the frame's caller begins."""
        self.name = name
        self.child = child
        self.place = place
        self.text = ""
        self._rust = rust
        self._node: Any = None

    def bind(self, session: Session) -> None:
        """Look from its frame. Raises MiError where that is gone."""
        if self.place is not None:
            session.wanted_thread, cfa = self.place
            thread = session.thread
            levels = range(thread.GetNumFrames())
            found = next((each for each in levels if thread.GetFrameAtIndex(each).GetCFA() == cfa), None)
            if found is None:
                raise MiError(f"the frame of {self.name} is gone")
            session.wanted_frame = found
        current.bind(session)

    def describe(self) -> dict[str, Any]:
        """Return its fields, as they are now."""
        values, look = looking.part("values"), self._look()
        body = values.describe(self.child, look)
        self._node = None
        if self.child.make is not None:
            self._node = values.Node(self.child.make, body.get("expression"), rust=self._rust, indexed=False)
        self.text = str(body["value"])
        found = self._node.children(look) if "node" in body else None
        count = 0 if found is None or found.count is None else found.count
        fields = {"name": self.name, "numchild": count, "value": self.text, "type": body.get("type", "")}
        # Of some nobody knows how many there are before they were counted.
        return fields | ({"dynamic": 1, "has_more": 1} if found is not None and found.count is None else {})

    def page(self, begin: int, end: int) -> tuple[list[VarObject], bool]:
        """Return its children from one number up to another, that one not included, and whether there are more."""
        values = looking.part("values")
        if self._node is None:
            return [], False
        drawn, more = values.page(self._node, begin, end - begin, self._look())
        names = [values.name_of(each, self._look()) for each in drawn]
        return [
            VarObject(f"{self.name}.{name}", child, self.place, rust=self._rust)
            for name, child in zip(names, drawn, strict=True)
        ], more

    def _look(self) -> Any:
        return looking.part("views").Look(rust=self._rust)


def _get(session: Session, name: str) -> VarObject:
    try:
        found: VarObject = session.var_objects[name]
    except KeyError:
        raise MiError("Variable object not found") from None
    return found


@mi_command("-var-create")
def create(session: Session, name: str, frame: str, expression: str) -> dict[str, Any]:
    """Make an object of an expression; name: "-" for one that is free; frame: "*" for this frame, "@" for any."""
    current.bind(session)
    views = looking.part("views")
    try:
        parse_and_eval(expression)
    except errors.error as error:
        raise MiError(str(error)) from None
    if name == "-":
        session.var_count += 1
        name = f"var{session.var_count}"
    elif name in session.var_objects:
        raise MiError("Duplicate variable object name")
    here = session.frame
    place = None if frame == "@" else (int(here.GetThread().GetIndexID()), int(here.GetCFA()))
    child = views.Child(expression, lambda: parse_and_eval(expression), expression)
    made = session.var_objects[name] = VarObject(name, child, place, rust=current.language == "rust")
    return made.describe()


@mi_command("-var-list-children")
def list_children(session: Session, *words: str) -> dict[str, Any]:
    """List an object's children, or those from one number up to another, and make objects of them."""
    options = list(words)
    printed = options.pop(0) if options and options[0] in _PRINTED else "0"
    if len(options) not in (1, 3):
        raise MiError("-var-list-children: [PRINT_VALUES] NAME [FROM TO]")
    object_ = _get(session, options[0])
    begin, end = (max(int(each), 0) for each in options[1:]) if options[1:] else (0, _MAX_CHILDREN)
    object_.bind(session)
    object_.describe()
    found, more = object_.page(begin, max(end, begin))
    children = []
    for each in found:
        session.var_objects[each.name] = each
        fields = each.describe() | {"exp": each.name.removeprefix(f"{object_.name}.")}
        shown = {name: text for name, text in fields.items() if name != "value" or printed not in _NO_VALUES}
        children.append(Named("child", shown))
    return {"numchild": len(children), "children": children, "has_more": int(more)}


@mi_command("-var-evaluate-expression")
def evaluate(session: Session, name: str) -> dict[str, Any]:
    """Return an object's text."""
    object_ = _get(session, name)
    object_.bind(session)
    return {"value": object_.describe()["value"]}


@mi_command("-var-update")
def update(session: Session, *words: str) -> dict[str, Any]:
    """Tell which objects have changed since they were looked at, or have lost their frames: of one, or of all ("*")."""
    name = words[-1] if words else "*"
    changed: list[dict[str, Any]] = []
    for each in [*session.var_objects.values()] if name == "*" else [_get(session, name)]:
        before = each.text
        try:
            each.bind(session)
            each.describe()
        except MiError:
            changed.append({"name": each.name, "in_scope": "false", "type_changed": "false", "has_more": 0})
            continue
        if each.text != before:
            fields = {"name": each.name, "value": each.text, "in_scope": "true"}
            changed.append(fields | {"type_changed": "false", "has_more": 0})
    return {"changelist": changed}


@mi_command("-var-info-path-expression")
def path_expression(session: Session, name: str) -> dict[str, Any]:
    """Return what names an object's value in the target's language."""
    expression = _get(session, name).child.expression
    if not expression:
        raise MiError(f"no expression names {name}")
    return {"path_expr": expression}


@mi_command("-var-delete")
def delete(session: Session, *words: str) -> dict[str, Any]:
    """Forget an object and its children; `-c`: its children alone."""
    options = list(words)
    children_only = take_flag(options, "-c")
    if len(options) != 1:
        raise MiError("-var-delete: [-c] NAME")
    name = _get(session, options[0]).name
    gone = [each for each in session.var_objects if each.startswith(f"{name}.")] + [name][: not children_only]
    for each in gone:
        del session.var_objects[each]
    return {"ndeleted": len(gone)}
