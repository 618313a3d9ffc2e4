"""Where the sources of a folder were when the program was built: substitute-path rules by comparing file names.

`choose_rules` is pure; `find_local_sources` reads names of files, never what is in them.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from dapbridge.config import SubstitutePathRule
from dapbridge.paths import PathMap, learn_rule

MAX_VISITED_FILES = 50_000
MAX_ASKED_FILES = 200
MAX_RULES = 5

_SUFFIXES = (
    *(".c", ".h", ".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".inl", ".ipp", ".tcc"),
    *(".rs", ".go", ".s", ".zig", ".f90", ".adb", ".d", ".swift", ".m", ".mm"),
)
_NO_SOURCES = frozenset(["node_modules", "__pycache__", "venv"])


def find_local_sources(folder: Path) -> list[Path]:
    """Return sources below `folder`, at most MAX_ASKED_FILES of different names, spread over all that there are."""
    by_name: dict[str, Path] = {}
    for number, path in enumerate(_walk(folder)):
        if number >= MAX_VISITED_FILES:
            break
        if path.suffix.lower() in _SUFFIXES:
            by_name.setdefault(path.name, path)
    found = list(by_name.values())
    step = max(1, len(found) // MAX_ASKED_FILES)
    return found[::step][:MAX_ASKED_FILES]


def choose_rules(folder: str, found: Mapping[str, Collection[str]]) -> list[SubstitutePathRule]:
    """Choose the rules by which most files of `folder` are the program's.

    found: by client path, the target paths of the same file name. A rule's client side is `folder` or below it. What
    several rules explain equally well is left alone, and so is what only a rule explains that is wrong for others: a
    wrong rule is worse than none.
    """
    named = {path: set(targets) for path, targets in found.items() if targets}
    path_map = PathMap()
    while len(path_map.rules) < MAX_RULES:
        explained = {path for path, targets in named.items() if path_map.to_target(path) in targets}
        unexplained = named.keys() - explained
        votes = Counter(rule for path in unexplained for rule in _learn_rules(path, named[path], folder))
        better = {rule: path_map.with_rule(rule) for rule in votes}
        right = [
            rule for rule, map_ in better.items() if all(map_.to_target(path) in named[path] for path in explained)
        ]
        ranked = sorted(right, key=lambda rule: votes[rule], reverse=True)
        if not ranked or 2 * votes[ranked[0]] < len(unexplained):
            break
        if len(ranked) > 1 and votes[ranked[0]] == votes[ranked[1]]:
            break
        path_map = better[ranked[0]]
    return list(path_map.rules)


def _learn_rules(path: str, targets: Collection[str], folder: str) -> set[SubstitutePathRule]:
    learned = (learn_rule(path, [target]) for target in targets)
    return {_narrowed(rule, folder) for rule in learned if rule is not None}


def _narrowed(rule: SubstitutePathRule, folder: str) -> SubstitutePathRule:
    """Return the part of a rule that concerns `folder`."""
    alone = PathMap([rule])
    return SubstitutePathRule(folder, alone.to_target(folder)) if alone.covers_client(folder) else rule


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below `folder`, those of a folder before those of its folders."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NO_SOURCES)
        yield from (Path(place, name) for name in sorted(files))
