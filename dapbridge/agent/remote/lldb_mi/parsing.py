"""MI commands as text → token, name, words (GDB manual, "GDB/MI Input Syntax")."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"(?P<token>\d*)(?P<name>-[\w-]+)\s*(?P<rest>.*)\Z", re.DOTALL)
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
_ESCAPED = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)
_SPECIAL = {"n": "\n", "r": "\r", "t": "\t"}


def parse_command(line: str) -> tuple[str, str, list[str]] | None:
    """Return token ("" for none), name and words of an MI command; None for a line that is none."""
    found = _COMMAND.match(line.strip())
    if found is None:
        return None
    return found["token"], found["name"], split_words(found["rest"])


def split_words(text: str) -> list[str]:
    """Return the words, those in quotes without them."""
    return [_unquoted(word) if word.startswith('"') else word for word in _WORD.findall(text)]


def take_option(words: list[str], name: str) -> str | None:
    """Take `name VALUE` out of the words; None where it isn't among them."""
    if name not in words[:-1]:
        return None
    at = words.index(name)
    value = words[at + 1]
    del words[at : at + 2]
    return value


def take_flag(words: list[str], name: str) -> bool:
    """Take `name` out of the words; return whether it was there."""
    if name not in words:
        return False
    words.remove(name)
    return True


def _unquoted(word: str) -> str:
    def plain(found: re.Match[str]) -> str:
        text = found[1]
        return chr(int(text, 8)) if len(text) == 3 else _SPECIAL.get(text, text)

    return _ESCAPED.sub(plain, word[1:-1])
