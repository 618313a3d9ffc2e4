"""`-x-registers STOP GROUP`, registers as the frame has them, in gdb's groups, and their names."""

from __future__ import annotations

import re
import struct
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import looking
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.gdb_api import registers
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value
from dapbridge.agent.remote.lldb_mi.session import Session

GENERAL = "general"
_GROUPS = (
    (
        GENERAL,
        re.compile(r"r[a-ds][xip]|r[bs]p|r[sd]i|r\d+|rip|[c-gs]s|[fg]s_base|x\d+|[sl]r|[sfp][pc]|cpsr|rflags|lr"),
    ),
    ("float", re.compile(r"st\d|f(?:ctrl|stat|tag|op|[io](?:seg|off))|fp[cs]r")),
    ("mmx", re.compile(r"mm\d")),
    ("vector", re.compile(r"[xyz]mm\d+|mxcsr|mxcsrmask|k\d|v\d+")),
)
_OTHERS = "other"
_WORD = 8
_FLAGS = {
    "eflags": (
        *("CF", "", "PF", "", "AF", "", "ZF", "SF", "TF", "IF", "DF", "OF", "", "", "NT"),
        *("", "RF", "VM", "AC", "VIF", "VIP", "ID"),
    ),
    "mxcsr": ("IE", "DE", "ZE", "OE", "UE", "PE", "DAZ", "IM", "DM", "ZM", "OM", "UM", "PM", "", "", "FZ"),
}
_LANES = (
    *(("float", lldb.eBasicTypeFloat, 4), ("double", lldb.eBasicTypeDouble, 8)),
    *(("int8", lldb.eBasicTypeShort, 1), ("int16", lldb.eBasicTypeShort, 2)),
    *(("int32", lldb.eBasicTypeInt, 4), ("int64", lldb.eBasicTypeLong, 8)),
)


@mi_command("-x-registers")
def x_registers(session: Session, stop: str, group: str, format_: str = "") -> dict[str, Any]:
    """List a group's registers, and with "general" the other groups: {"registers": [...], "groups": [[name, count]]}.

    "other" has those of no group, such as the parts of others.
    """
    current.bind(session)
    groups = _groups(session.frame)
    if group not in groups:
        raise MiError(f"there is no group of registers named '{group}'")
    others = [[name, len(found)] for name, found in groups.items() if name != GENERAL]
    return {
        "registers": [_describe(stop, session.frame, name, sb, format_) for name, sb in groups[group].items()],
        "groups": others if group == GENERAL else [],
    }


def _groups(frame: Any) -> dict[str, dict[str, Any]]:
    """Return the registers by group and gdb's name."""
    groups: dict[str, dict[str, Any]] = {GENERAL: {}}
    for listed in frame.GetRegisters():
        for sb in listed:
            name = str(sb.GetName())
            # "sp" is half of a half of the stack pointer on x86-64.
            is_part = name in ("sp", "fp", "lr", "pc") and sb.GetByteSize() < _WORD
            group = next((group for group, pattern in _GROUPS if pattern.fullmatch(name) and not is_part), _OTHERS)
            groups.setdefault(group, {})["eflags" if name == "rflags" else name] = sb
    return groups


@mi_command("-data-list-register-names")
def list_names(session: Session) -> dict[str, Any]:
    """List the names of all registers; none while the target runs."""
    if not session.is_stopped:
        return {"register-names": []}
    return {"register-names": [name for group in _groups(session.frame).values() for name in group]}


def _describe(stop: str, frame: Any, name: str, sb: Any, format_: str) -> dict[str, Any]:
    body: dict[str, Any] = {"name": name, "expression": f"${name}"}
    failure = sb.GetError()
    if failure.Fail():
        return body | {"value": "<unavailable>"}
    value = registers.to_value(sb, frame, name)
    if name in _FLAGS and format_ in ("", "-"):
        return body | {"type": "int", "value": _flags(int.from_bytes(value.data(), "little"), _FLAGS[name])}
    type_ = value.type
    if type_.sb.GetTypeClass() == lldb.eTypeClassVector:
        return body | _described_wide(stop, name, value, format_)
    body["type"] = str(type_)
    is_plain = not type_.sb.IsPointerType()
    return body | {
        "value": value.format_string(format="x" if is_plain and format_ in ("", "-") else format_.strip("-"))
    }


def _flags(bits: int, names: tuple[str, ...]) -> str:
    return " ".join(["[", *(name for at, name in enumerate(names) if name and bits >> at & 1), "]"])


def _described_wide(stop: str, name: str, value: Value, format_: str) -> dict[str, Any]:
    data = value.data()
    views, values = looking.part("views"), looking.part("values")
    if len(data) == 10:
        x87 = current.target.GetBasicType(lldb.eBasicTypeLongDouble)
        number = Value.of_data(data.ljust(int(x87.GetByteSize()), b"\0"), Type(x87))
        return {"type": "i387_ext", "value": f"{number.format_string()} (raw 0x{data[::-1].hex()})"}
    children = [views.Child(lane, (lambda made=made: made)) for lane, made in _lanes(data)]
    view = views.View(children=lambda: views.Listed(children))
    look = views.Look(format_=format_)

    class Lanes(values.Node):  # type: ignore[misc, name-defined]
        """A register's lanes, as a node."""

        def __init__(self) -> None:
            super().__init__(lambda: value, None, rust=False, indexed=False)

        def children(self, look: Any) -> Any:
            return views.Listed(children)

    text = looking.part("summaries").summarize(value, look, 200, 4, view)
    return {"type": f"vec{8 * len(data)}", "value": text, "node": values.keep(stop, Lanes())}


def _lanes(data: bytes) -> list[tuple[str, Value]]:
    target = current.target
    found = []
    for name, basic, size in _LANES:
        count = len(data) // size
        # Single bytes as wider numbers: they would be taken for a text.
        content = struct.pack(f"<{count}h", *struct.unpack(f"<{count}b", data)) if size == 1 else data
        type_ = Type(target.GetBasicType(basic).GetArrayType(count))
        found.append((f"v{count}_{name}", Value.of_data(content, type_)))
    whole = Type(target.GetBasicType(lldb.eBasicTypeUnsignedInt128))
    if len(data) == whole.sizeof:
        found.append(("uint128", Value.of_data(data, whole)))
    return found
