"""Runs inside gdb: which view a value gets. C's and C++'s own values are here, others have their files."""

from collections.abc import Iterator

import gdb

from . import libstdcxx_views, printer_views, rust_views
from .access import access_of
from .texts import PIECE, Text, character_prefix, read
from .views import (
    ERRORS,
    RECORDS,
    REFERENCES,
    Child,
    Children,
    Computed,
    Listed,
    Look,
    Type,
    Value,
    View,
    address_of,
    array_view,
    format_scalar,
    member,
    operand,
    plain,
    pointed_at,
)

LONG = 200
"""A longer text can be opened."""
MAX_SCAN = 1 << 20
"""As far the end of a text is looked for."""

_MAX_PADDED = 1 << 16
"""Of longer arrays not all is read for their text."""

_SIMPLE = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_FLT, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_CHAR)
_NOTHING_TO_SEE = (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_METHOD, gdb.TYPE_CODE_VOID)


def view_of(value: Value, expression: str | None, look: Look) -> View:
    """Return the view of a value. Raises gdb.error where it can't be read."""
    type_ = value.type.strip_typedefs()
    if type_.code in REFERENCES:
        referenced = value.referenced_value()
        actual = _as_dynamic_object(referenced)
        return view_of(actual, expression if actual is referenced else None, look)
    if look.rust and (found := rust_views.find(value, type_, expression, look)) is not None:
        return found
    if type_.code in _SIMPLE:
        return View(summary=lambda look: format_scalar(value, look))
    if type_.code in RECORDS and (found := libstdcxx_views.find(value, type_, expression, look)) is not None:
        return found
    if (printer := gdb.default_visualizer(value)) is not None:
        return printer_views.view(printer)
    if type_.code == gdb.TYPE_CODE_PTR:
        return _pointer_view(value, type_, look)
    if type_.code == gdb.TYPE_CODE_ARRAY:
        return _text_of_array(value, type_) or array_view(value, expression, look)
    if type_.code in RECORDS:
        return View(children=lambda: Listed(list(_members(value, type_, expression))))
    return View(summary=lambda look: format_scalar(value, look))


def children_of(view: View, expression: str | None, look: Look) -> Children | None:
    """Return what a view opens to; None for one that can't be opened."""
    view = seen_through(view, expression, look)
    if view.text is not None:
        return _pieces(view.text)
    if view.points is not None:
        return _pointed_to(view.points(), expression if view.by_name else None, look)
    return None if view.children is None else view.children()


def _pointed_to(pointee: Value, expression: str | None, look: Look) -> Children:
    target = expression and f"*{operand(expression)}"
    if pointee.type.strip_typedefs().code in RECORDS:
        if place := address_of(pointee):
            # What can't be read says so once.
            read(place, 1)
        inside = children_of(view_of(pointee, target, look), target, look)
        if inside is not None:
            return inside
    return Listed([Child(target or "*", lambda: pointee, target)])


def seen_through(view: View, expression: str | None, look: Look) -> View:
    """Return the view of what a view refers to, at the end; itself for one that refers to nothing."""
    for _ in range(20):
        if view.refers is None:
            return view
        if not view.by_name:
            expression = None
        view = view_of(view.refers(), expression, look)
    return plain("<refers to itself>")


def can_open(view: View, look: Look) -> bool:
    """Tell whether a view has something in it, without reading what it points to."""
    if view.text is not None:
        return bool(view.text.is_longer(LONG))
    if view.points is not None:
        return True
    if view.refers is not None:
        return can_open(seen_through(view, None, look), look)
    return view.children is not None and view.children().count != 0


def _pieces(text: Text) -> Children | None:
    if not text.is_longer(LONG):
        return None
    total = text.total(MAX_SCAN if text.length is None else text.length)

    def piece(index: int) -> Child:
        start = index * PIECE
        last = min(start + PIECE, total) - 1
        try:
            shown = Text(text.address + start * text.size, last + 1 - start, text.size, text.prefix).shown(PIECE)
        except ERRORS as error:
            shown = f"<{error}>"
        return Child(f"[{start}…{last}]", None, shown=shown)

    return Computed(-(-total // PIECE), piece)


def _pointer_view(value: Value, type_: Type, look: Look) -> View:
    target = type_.target().unqualified()
    if (kind := character_prefix(target)) is not None and pointed_at(value) is not None:
        return _text_of_pointer(value, *kind)
    bare = target.strip_typedefs()
    if bare.code in _NOTHING_TO_SEE or pointed_at(value) == 0:
        return View(summary=lambda look: format_scalar(value, look))
    if bare.code in RECORDS and _has_vtable(bare) and (actual := _as_dynamic(value)) is not value:
        # By its own type, and with no name: another member would be taken for it.
        return View(
            summary=lambda look: f"({actual.type}) {format_scalar(actual, look)}",
            points=actual.dereference,
            by_name=False,
        )
    return View(summary=lambda look: format_scalar(value, look), points=value.dereference, by_name=True)


def _text_of_pointer(value: Value, size: int, prefix: str) -> View:
    address = int(value)
    if not address:
        return plain("0x0")
    text = Text(address, None, size, prefix, f"{address:#x} ")
    try:
        text.shown(1)
    except gdb.error as error:
        return plain(f"{address:#x} <{error}>")
    return View(text=text)


def _text_of_array(value: Value, type_: Type) -> View | None:
    if (kind := character_prefix(type_.target())) is None:
        return None
    if value.address is None:
        return plain(value.format_string(raw=True))
    size, prefix = kind
    low, high = type_.range()
    length = high - low + 1
    address = int(value.address)
    if length * size <= _MAX_PADDED:
        # The NULs behind a text are no part of it.
        used = len(read(address, length * size).rstrip(b"\0"))
        length = -(-used // size)
    return View(text=Text(address, length, size, prefix))


def _has_vtable(type_: Type) -> bool:
    fields = type_.fields()
    if not fields:
        return False
    if fields[0].is_base_class:
        return any(_has_vtable(each.type.strip_typedefs()) for each in fields if each.is_base_class)
    return (fields[0].name or "").startswith("_vptr")


def _as_dynamic(pointer: Value) -> Value:
    """Return a pointer with the type of the object that is there."""
    try:
        dynamic = pointer.dynamic_type
        if dynamic == pointer.type:
            return pointer
        return pointer.cast(dynamic)
    except ERRORS:
        return pointer


def _as_dynamic_object(value: Value) -> Value:
    """Return a value with the type of the object that is there; itself if that is its own."""
    type_ = value.type.strip_typedefs()
    if type_.code not in RECORDS or not _has_vtable(type_):
        return value
    place = value.address
    actual = _as_dynamic(place)
    return value if actual is place else actual.dereference()


def _members(value: Value, type_: Type, expression: str | None) -> Iterator[Child]:
    access = access_of(type_)
    for field in type_.fields():
        name = field.name or ""
        if field.is_base_class:
            as_base = expression and f"*({name} *) &{operand(expression)}"
            yield Child(name, lambda field=field: value[field], as_base, kind="baseClass")  # type: ignore[misc]
        elif not hasattr(field, "bitpos"):
            yield Child(
                name,
                lambda field=field: value[field],  # type: ignore[misc]
                f"{type_.name}::{name}",
                kind="property",
                attributes=("static",),
                visibility=access.get(name, ""),
            )
        elif not name and field.type.strip_typedefs().code in RECORDS:
            # The members of a member without a name are the record's own.
            yield from _members(value[field], field.type.strip_typedefs(), expression)
        else:
            kind = "virtual" if name.startswith("_vptr") else "property"
            visibility = "internal" if kind == "virtual" else access.get(name, "")
            yield Child(
                name,
                lambda field=field: value[field],  # type: ignore[misc]
                member(expression, name),
                kind=kind,
                visibility=visibility,
            )
