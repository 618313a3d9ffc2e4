"""The files in which editors look for configurations, and how a new one is put there beside what is there already."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dapbridge.dap.messages import JsonObject
from dapbridge.editors.jsonc import append_to_array, parse_jsonc
from dapbridge.editors.looking import Findings
from dapbridge.errors import UserError
from dapbridge.runtimes.target import parse_target
from dapbridge.whole_file import write_whole


class Place(Struct, frozen=True):
    """How one editor has its configurations: the file, the list in it, the name's attribute, and what each begins with.

    folder_variable is what the editor replaces by the folder that it has open.
    """

    file: str
    list_key: str | None
    name_key: str
    new_file: str
    first: Mapping[str, str]
    folder_variable: str
    next_step: str = ""


_LAUNCH_JSON = Place(
    file=".vscode/launch.json",
    list_key="configurations",
    name_key="name",
    new_file='{\n  "version": "0.2.0",\n  "configurations": []\n}\n',
    first={"type": "dapbridge", "request": "attach"},
    folder_variable="${workspaceFolder}",
)


# nvim-dap and dap-mode read VS Code's file too, so that one file serves a whole team.
PLACES = {
    "vscode": replace(
        _LAUNCH_JSON, next_step="choose it in the Run and Debug view (the dapbridge extension must be installed)"
    ),
    "neovim": replace(
        _LAUNCH_JSON, next_step="choose it with :DapContinue (docs/neovim.md has what nvim-dap needs once)"
    ),
    "emacs": replace(
        _LAUNCH_JSON, next_step="choose it with M-x dap-debug (docs/emacs.md has what dap-mode needs once)"
    ),
    "zed": Place(
        file=".zed/debug.json",
        list_key=None,
        name_key="label",
        new_file="[]\n",
        first={"adapter": "GDB", "request": "attach"},
        folder_variable="$ZED_WORKTREE_ROOT",
        next_step="choose it with 'debugger: start' (docs/other-clients.md has what Zed needs once)",
    ),
}


class Written(Struct, frozen=True):
    """What came of it: `is_new` is false where the file had such a configuration, called `name`, already."""

    file: Path
    name: str
    is_new: bool


def make_entry(place: Place, findings: Findings, folder: Path) -> JsonObject:
    """Return the configuration, its name left out."""
    entry: JsonObject = {**place.first, "target": findings.target}
    if findings.wanted_process is not None:
        entry["process"] = findings.wanted_process
    if findings.engine is not None:
        entry["engine"] = findings.engine
    if findings.rules:
        entry["substitutePath"] = [
            {"from": _with_variable(rule.from_, folder, place.folder_variable), "to": rule.to}
            for rule in findings.rules
        ]
    return entry


def write_entry(place: Place, entry: JsonObject, folder: Path, name: str) -> Written:
    """Add a configuration to the editor's file, unless it has one for the same process of the same target.

    Raises UserError where the file is not what the editor expects; then nothing was written.
    """
    file = folder / place.file
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            text = stream.read()
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} can't be read: {error}") from error
    text = text if text.strip() else place.new_file
    try:
        present = _present(parse_jsonc(text), place)
        for other in present:
            if _is_same(other, entry):
                return Written(file, str(other.get(place.name_key, "")), is_new=False)
        name = _free_name(name, {str(other.get(place.name_key)) for other in present})
        text = append_to_array(text, place.list_key, {place.name_key: name, **entry})
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not understood, and was left as it is: {error}") from error
    try:
        write_whole(file, text.encode())
    except OSError as error:
        raise UserError(f"{file} can't be written: {error.strerror}") from error
    return Written(file, name, is_new=True)


def _present(value: Any, place: Place) -> list[JsonObject]:
    entries = value if place.list_key is None else value.get(place.list_key) if isinstance(value, dict) else None
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def _is_same(one: JsonObject, other: JsonObject) -> bool:
    kinds = ("type", "adapter", "process")
    return all(one.get(key) == other.get(key) for key in kinds) and _uri(one.get("target")) == _uri(other["target"])


def _uri(target: object) -> object:
    try:
        return parse_target(target).uri if isinstance(target, str) else target
    except UserError:
        return target


def _free_name(name: str, taken: set[str]) -> str:
    names = [name, *(f"{name} {number}" for number in range(2, len(taken) + 3))]
    return next(each for each in names if each not in taken)


def _with_variable(path: str, folder: Path, variable: str) -> str:
    """Write a path below the folder so that it holds for everybody who has the folder elsewhere."""
    if not Path(path).is_relative_to(folder):
        return path
    rest = Path(path).relative_to(folder).as_posix()
    return variable if rest == "." else f"{variable}/{rest}"
