"""Substitute-path rules: client paths to target paths and back. Pure: no file is ever looked at.

Theory of operation. A path is a root ("/", a drive, a UNC root, or "" for a relative path) and its components. A rule
matches when its root and all its components stand at the path's beginning, so a match always ends at a separator,
trailing slashes don't count, and "" is no special case: it is the relative prefix of no component. Paths are compared
after "." and ".." were taken out by the text alone; a path that no rule matches is returned as it came, byte for byte.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from msgspec import Struct

from dapbridge.config import SubstitutePathRule

CACHED_PATHS = 4096

_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/]|$)")
_LIBRARY = re.compile(r"(?:^|/)(?:go[\d.-]*/src|pkg/mod|rustc/[0-9a-f]+|registry/src)/")
# "<built-in>" of compilers, and URIs of editors ("untitled:Untitled-1", "git:/…"): neither is a relative path.
_NO_PATH = re.compile(r"$|<|[A-Za-z][A-Za-z0-9+.-]+:")


class PathMap:
    """Maps paths by substitute-path rules; the first rule that matches wins."""

    def __init__(self, rules: Sequence[SubstitutePathRule] = ()) -> None:
        self.rules = tuple(rules)
        client = _parse_side([rule.from_ for rule in self.rules])
        target = _parse_side([rule.to for rule in self.rules])
        self._find_target = _cached(list(zip(client, target, strict=True)))
        self._find_client = _cached(list(zip(target, client, strict=True)))

    def to_target(self, path: str) -> str:
        """Map a client path to the target's."""
        mapped = self._find_target(path)
        return path if mapped is None else mapped

    def to_client(self, path: str) -> str:
        """Map a target path to the client's."""
        mapped = self._find_client(path)
        return path if mapped is None else mapped

    def covers_client(self, path: str) -> bool:
        """Tell whether a rule matches the client path."""
        return self._find_target(path) is not None

    def with_rule(self, rule: SubstitutePathRule) -> "PathMap":
        """Return a map with one more rule, put before the first one that would hide it in either direction."""
        for index, general in enumerate(self.rules):
            alone = PathMap([general])
            if alone.covers_client(rule.from_) or alone._find_client(rule.to) is not None:
                return PathMap([*self.rules[:index], rule, *self.rules[index:]])
        return PathMap([*self.rules, rule])


def learn_rule(client_path: str, target_paths: Iterable[str]) -> SubstitutePathRule | None:
    """Derive the rule that maps `client_path` to that one of `target_paths` which shares the longest end with it.

    The end is one of whole components, the file name at least. None where no target path fits, two fit equally well, or
    one is equal already. Of two that fit equally well, one in a toolchain or in a cache of packages does not count.
    """
    client = _parse(client_path, _is_windows(client_path))
    targets = {_parse(path, _is_windows(path)) for path in target_paths}
    longest = max((_common_end(client, target) for target in targets), default=0)
    fitting = [target for target in targets if _common_end(client, target) == longest]
    if len(fitting) > 1:
        fitting = [target for target in fitting if not _is_library(target)]
    if longest == 0 or client in targets or len(fitting) != 1:
        return None
    target = fitting[0]
    end = min(longest, client.spare_parts, target.spare_parts)
    return SubstitutePathRule(from_=client.without_end(end), to=target.without_end(end))


class _Path(Struct, frozen=True):
    """A path or a rule's prefix, taken apart. `windows` says how it is read, compared and written."""

    root: str
    parts: tuple[str, ...]
    windows: bool

    @property
    def spare_parts(self) -> int:
        """How many components a learned prefix may lose: one stays, or a rule for "/" would catch every library."""
        return max(len(self.parts) - 1, 0) if self.root else len(self.parts)

    def find_rest(self, path: str) -> tuple[str, ...] | None:
        """Return the components of `path` below this prefix; None when it stands elsewhere."""
        if not self.root and not _is_relative(path):
            return None
        whole = _parse(path, self.windows)
        length = len(self.parts)
        if _folded(whole.root, self) != _folded(self.root, self):
            return None
        if [_folded(part, self) for part in whole.parts[:length]] != [_folded(part, self) for part in self.parts]:
            return None
        return whole.parts[length:]

    def join(self, rest: Sequence[str]) -> str:
        """Write the path of `rest` below this prefix."""
        return self._format(_normalised((*self.parts, *rest), bool(self.root))) or "."

    def without_end(self, length: int) -> str:
        """Write the path without its last `length` components."""
        return self._format(self.parts[: len(self.parts) - length])

    def _format(self, parts: Sequence[str]) -> str:
        return self.root + ("\\" if self.windows else "/").join(parts)


def _is_library(path: _Path) -> bool:
    """Tell whether it is a source of Go's or Rust's own, or of a package that their tools have fetched."""
    # Go's own sources in a program built with -trimpath: "net/http/server.go"; a module's path begins with a host.
    if not path.root and len(path.parts) > 1 and path.parts[0].isalnum() and path.parts[-1].endswith(".go"):
        return True
    return _LIBRARY.search("/".join(path.parts)) is not None


def _cached(rules: Sequence[tuple[_Path, _Path]]) -> Callable[[str], str | None]:
    """Return the mapping by `rules`, (from, to) each, that answers None where no rule matches."""

    @lru_cache(CACHED_PATHS)
    def find(path: str) -> str | None:
        for prefix, replacement in rules:
            rest = prefix.find_rest(path)
            if rest is not None:
                return replacement.join(rest)
        return None

    return find


def _parse_side(prefixes: Sequence[str]) -> list[_Path]:
    """Parse the prefixes of one side; a relative one doesn't show its system, so it is read like its neighbours."""
    any_windows = any(_is_windows(prefix) for prefix in prefixes)
    return [_parse(prefix, any_windows and not prefix.startswith("/")) for prefix in prefixes]


def _parse(path: str, windows: bool) -> _Path:
    if not windows:
        root = "/" if path.startswith("/") else ""
        return _Path(root, _normalised(path.split("/"), bool(root)), windows)
    path = path.replace("/", "\\")
    drive = _DRIVE.match(path)
    if drive:
        root = drive[0] + "\\"
        path = path[drive.end() :]
    else:
        root = "\\\\" if path.startswith("\\\\") else path[:1] if path.startswith("\\") else ""
    return _Path(root, _normalised(path.split("\\"), bool(root)), windows)


def _normalised(parts: Iterable[str], has_root: bool) -> tuple[str, ...]:
    """Take out "", "." and ".."; a relative path keeps the ".." at its beginning."""
    kept: list[str] = []
    for part in parts:
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part not in ("", ".") and not (part == ".." and has_root):
            kept.append(part)
    return tuple(kept)


def _common_end(one: _Path, other: _Path) -> int:
    """Return how many components at the end are equal, without case where one of the two is a Windows path."""
    folding = one if one.windows else other
    length = 0
    for a, b in zip(reversed(one.parts), reversed(other.parts), strict=False):
        if _folded(a, folding) != _folded(b, folding):
            break
        length += 1
    return length


def _folded(text: str, side: _Path) -> str:
    return text.lower() if side.windows else text


def _is_windows(path: str) -> bool:
    return _DRIVE.match(path) is not None or path.startswith("\\\\")


def _is_relative(path: str) -> bool:
    return not (path.startswith("/") or _is_windows(path) or _NO_PATH.match(path))
