"""The attach configuration (launch.json, nvim-dap): JSON in, typed config or a UserError in the user's words out."""

from typing import Literal

from msgspec import Struct

EngineName = Literal["auto", "gdb", "lldb", "delve"]


class SubstitutePathRule(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """`from` is a prefix of client paths, `to` the target's; named like the Go extension's rules."""

    from_: str
    to: str


class SidecarConfig(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What the user says of the sidecar; None: dapbridge's own choice."""

    image: str | None = None
    pull: Literal["missing", "always", "never"] = "missing"
    user: str | None = None
    cap_add: tuple[str, ...] = ()
    platform: str | None = None


class AttachConfig(Struct, frozen=True, rename="camel"):
    """Arguments of `attach`; docs/configuration.md has the meaning of each. Unknown ones are the client's own business."""

    target: str
    process: int | str | None = None
    engine: EngineName = "auto"
    program: str | None = None
    substitute_path: tuple[SubstitutePathRule, ...] | Literal["auto"] = "auto"
    source_request: bool = True
    stop_on_entry: bool = False
    read_only: bool = False
    max_pause: float = 0
    sidecar: SidecarConfig = SidecarConfig()
    init_commands: tuple[str, ...] = ()
    attach_commands: tuple[str, ...] = ()
    exit_commands: tuple[str, ...] = ()
