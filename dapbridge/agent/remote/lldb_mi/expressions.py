"""Expressions as text → a tree, as far as C, C++ and Rust have them in common. Pure.

Whatever is not understood raises SyntaxError: LLDB's own evaluator may know it.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<float>(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?[fFlL]?|\d+[eE][-+]?\d+[fF]?)
    |(?P<number>0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)(?P<suffix>[uUlLzZ]*|_?[iu](?:8|16|32|64|128|size))(?![\w.])
    |(?P<text>(?:u8|[uUL])?"(?:[^"\\]|\\.)*")
    |(?P<character>(?:u8|[uUL])?'(?:[^'\\]|\\.)+')
    |(?P<name>\$?[^\W\d]\w*|\$\d+)
    |(?P<operator>->|::|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|[-+*/%&|^=]=|[-+*/%&|^!~<>=.,()\[\]@?:])
    )""",
    re.VERBOSE,
)
_LEVELS: tuple[tuple[str, ...], ...] = (
    *(("||",), ("&&",), ("|",), ("^",), ("&",)),
    *(("==", "!="), ("<", "<=", ">", ">="), ("<<", ">>"), ("+", "-"), ("*", "/", "%")),
)


class Node(NamedTuple):
    """One operation; `operands` are nodes, or for a cast and a name texts.

    kinds: name, number, float, text, character, member, arrow, index, call, deref, address, cast, repeat, assign,
    unary, binary, conditional.
    """

    kind: str
    text: str
    operands: tuple[Node, ...] = ()


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def parse(expression: str) -> Node:
    """Return the tree. Raises SyntaxError."""
    return _Parser(expression).whole()


def is_path(node: Node) -> bool:
    """Tell whether a tree only goes to a place: no operator computes anything, and nothing is called or changed."""
    if node.kind in ("binary", "unary", "conditional", "assign", "call"):
        return False
    return all(is_path(each) or (node.kind == "index" and each.kind == "number") for each in node.operands)


def has_call(node: Node) -> bool:
    """Tell whether a tree has a call in it."""
    return node.kind == "call" or any(has_call(each) for each in node.operands)


def names_in(expression: str) -> list[str]:
    """List the names of variables and functions in an expression; none where it isn't understood."""
    try:
        waiting = [parse(expression)]
    except SyntaxError:
        return []
    found = []
    while waiting:
        node = waiting.pop()
        waiting += node.operands
        if node.kind == "name":
            found.append(node.text)
    return found


def number_of(text: str) -> int:
    """Return the number of an integer literal."""
    if len(text) > 1 and text.startswith("0") and text.isdecimal():
        return int(text, 8)
    return int(text, 0)


def text_of(literal: str) -> str:
    """Return the text of a literal, its prefix aside. Raises SyntaxError."""
    try:
        return str(ast.literal_eval(re.sub(r"\A(?:u8|[uUL])", "", literal)))
    except ValueError as error:
        raise SyntaxError(str(error)) from None


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens: list[_Token] = []
        at = 0
        while source[at:].strip():
            found = _TOKEN.match(source, at)
            if found is None:
                raise SyntaxError(f"not understood: {source[at:]}")
            kind = "number" if found["number"] else str(found.lastgroup)
            text = found["number"] if kind == "number" else found[kind]
            self._tokens.append(_Token(kind, text, found.start(kind), found.end()))
            at = found.end()
        self._at = 0

    def whole(self) -> Node:
        node = self._assignment()
        if self._at < len(self._tokens):
            raise SyntaxError(f"not understood: {self._source[self._tokens[self._at].start :]}")
        return node

    def _peek(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        return token.text if token is not None and token.kind in ("operator", "name") else ""

    def _take(self, *texts: str) -> str:
        text = self._peek()
        if text and text in texts:
            self._at += 1
            return text
        return ""

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise SyntaxError(f"{text} is missing")

    def _assignment(self) -> Node:
        left = self._conditional()
        if self._take("="):
            return Node("assign", "=", (left, self._assignment()))
        return left

    def _conditional(self) -> Node:
        node = self._repeated()
        if not self._take("?"):
            return node
        then = self._assignment()
        self._expect(":")
        return Node("conditional", "?:", (node, then, self._conditional()))

    def _repeated(self) -> Node:
        node = self._binary(0)
        while self._take("@"):
            node = Node("repeat", "@", (node, self._binary(0)))
        return node

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._rust_cast()
        node = self._binary(level + 1)
        while operator := self._take(*_LEVELS[level]):
            node = Node("binary", operator, (node, self._binary(level + 1)))
        return node

    def _rust_cast(self) -> Node:
        node = self._unary()
        while self._take("as"):
            node = Node("cast", self._rust_type(), (node,))
        return node

    def _rust_type(self) -> str:
        """Return the type that reaches up to the next closing bracket that isn't its own, or to the end."""
        depth, start = 0, self._at
        while self._at < len(self._tokens):
            text = self._tokens[self._at].text
            if depth == 0 and (text in (")", "]", ",", "as", "@") or text in ("=", "==", "+", "-")):
                break
            depth += text in ("(", "[", "<")
            depth -= text in (")", "]", ">")
            depth -= 2 * (text == ">>")
            self._at += 1
        if start == self._at:
            raise SyntaxError("a type is missing")
        text = self._source[self._tokens[start].start : self._tokens[self._at - 1].end].strip()
        # Every pointer is one of these to LLDB.
        stars = ""
        while found := re.match(r"\*\s*(?:mut|const)\s+", text):
            text, stars = text[found.end() :], stars + "*"
        return text + (" " + stars if stars else "")

    def _unary(self) -> Node:
        if self._take("*"):
            return Node("deref", "*", (self._unary(),))
        if self._take("&"):
            return Node("address", "&", (self._unary(),))
        if operator := self._take("-", "+", "!", "~"):
            return Node("unary", operator, (self._unary(),))
        if self._peek() == "(" and (cast := self._cast()) is not None:
            return cast
        return self._postfix()

    def _cast(self) -> Node | None:
        """Return a cast, if a type in brackets stands here with an operand behind it."""
        depth, at = 0, self._at
        while at < len(self._tokens):
            text = self._tokens[at].text
            depth += (text == "(") - (text == ")")
            if depth == 0:
                break
            at += 1
        inside = self._tokens[self._at + 1 : at]
        if at + 1 >= len(self._tokens) or not inside or inside[0].kind != "name" or not _looks_like_type(inside):
            return None
        following = self._tokens[at + 1]
        is_operand = following.kind != "operator" or following.text in ("(", "*", "&", "-", "!", "~", "::")
        ends_as_type = inside[-1].text in ("*", "&", ">") or _is_basic(inside[-1].text)
        if not is_operand or (following.kind == "operator" and following.text != "(" and not ends_as_type):
            return None
        if following.text == "(" and not ends_as_type:
            return None
        text = self._source[inside[0].start : inside[-1].end]
        self._at = at + 1
        return Node("cast", text, (self._unary(),))

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if operator := self._take(".", "->"):
                if self._at >= len(self._tokens):
                    raise SyntaxError("a member's name is missing")
                token = self._tokens[self._at]
                self._at += 1
                if token.kind == "float" and operator == ".":
                    # Two of a Rust tuple's members: `pair.0.1`.
                    node = _members(node, token.text)
                    continue
                if token.kind not in ("name", "number"):
                    raise SyntaxError("a member's name is missing")
                node = Node("member" if operator == "." else "arrow", token.text, (node,))
            elif self._at < len(self._tokens) and self._tokens[self._at].text.startswith("."):
                # `pair.0`, which looks like a number behind a name.
                node = _members(node, self._tokens[self._at].text)
                self._at += 1
            elif self._take("["):
                index = self._assignment()
                self._expect("]")
                node = Node("index", "[]", (node, index))
            elif self._take("("):
                arguments = []
                while not self._take(")"):
                    arguments.append(self._assignment())
                    if self._peek() != ")":
                        self._expect(",")
                node = Node("call", "()", (node, *arguments))
            else:
                return node

    def _primary(self) -> Node:
        if self._take("("):
            node = self._assignment()
            self._expect(")")
            return node
        if self._at >= len(self._tokens):
            raise SyntaxError("an operand is missing")
        token = self._tokens[self._at]
        if token.kind in ("number", "float", "text", "character"):
            self._at += 1
            return Node(token.kind, token.text)
        if token.kind == "name" or token.text == "::":
            return Node("name", self._name())
        raise SyntaxError(f"not understood: {token.text}")

    def _name(self) -> str:
        parts = []
        if self._take("::"):
            pass
        while self._at < len(self._tokens) and self._tokens[self._at].kind == "name":
            parts.append(self._tokens[self._at].text)
            self._at += 1
            if not self._take("::"):
                return "::".join(parts)
        raise SyntaxError("a name is missing")


def _members(node: Node, numbers: str) -> Node:
    for part in filter(None, numbers.split(".")):
        node = Node("member", part, (node,))
    return node


_BASIC_TYPES = frozenset(
    {
        *("char", "short", "int", "long", "float", "double", "bool", "void", "unsigned", "signed", "_Bool"),
        *("wchar_t", "char8_t", "char16_t", "char32_t", "size_t", "ssize_t", "uintptr_t", "intptr_t"),
        *("int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t"),
    }
)


def _is_basic(name: str) -> bool:
    return name in _BASIC_TYPES


def _looks_like_type(tokens: list[_Token]) -> bool:
    """Tell whether tokens could name a C or C++ type."""
    depth = 0
    for each in tokens:
        depth += each.text == "<"
        depth -= each.text == ">"
        depth -= 2 * (each.text == ">>")
        fits = each.kind == "name" or each.text in ("::", "*", "&", "<", ">", ">>")
        if not fits and not (depth > 0 and (each.kind == "number" or each.text in (",", "(", ")", "[", "]"))):
            return False
    return depth == 0
