"""Where the sources of frames are on this machine: by rules, or by looking for them in the current folder."""

from collections.abc import Sequence
from pathlib import Path

from dapbridge.config import SubstitutePathRule
from dapbridge.errors import UserError
from dapbridge.paths import PathMap, learn_rule


class ClientPaths:
    """Maps the program's paths to those of this machine. Without rules it learns them, as `substitutePath: "auto"`."""

    def __init__(self, rules: Sequence[SubstitutePathRule], folder: Path) -> None:
        """folder: where sources are looked for."""
        self._learns = not rules
        self._map = PathMap(rules)
        self._folder = folder
        self._settled: set[str] = set()

    def to_client(self, path: str) -> str:
        """Return the path of a source on this machine, or as it is where nothing is known of one."""
        if self._learns and path not in self._settled:
            self._settled.add(path)
            self._learn(path)
        return self._map.to_client(path)

    def _learn(self, path: str) -> None:
        """Look for a file at the longest end of the path below the folder."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in parts or self._map.to_client(path) != path or Path(path).is_file():
            return
        for first in range(1, len(parts)):
            local = self._folder.joinpath(*parts[first:])
            if local.is_file():
                rule = learn_rule(str(local), [path])
                if rule is not None:
                    self._map = self._map.with_rule(rule)
                return


def parse_rules(texts: Sequence[str]) -> tuple[SubstitutePathRule, ...]:
    """Parse FROM=TO, each; ("auto",) or nothing means to learn them. Raises UserError."""
    if [text for text in texts if text != "auto"] == []:
        return ()
    rules = []
    for text in texts:
        from_, separator, to = text.partition("=")
        if not separator:
            raise UserError(f"'{text}' is no rule: write FROM=TO, the folder here and the one in the target, or auto")
        rules.append(SubstitutePathRule(from_, to))
    return tuple(rules)
