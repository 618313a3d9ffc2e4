"""Expressions as text → trees, for the MI server on LLDB; no debugger is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.agent.remote.lldb_mi.expressions import Node, has_call, is_path, names_in, parse


def written(node: Node) -> str:
    """Return a tree as text, with brackets around every operation."""
    operands = [written(each) for each in node.operands]
    match node.kind:
        case "name" | "number" | "float" | "text" | "character":
            return node.text
        case "member":
            return f"{operands[0]}.{node.text}"
        case "arrow":
            return f"{operands[0]}->{node.text}"
        case "index":
            return f"{operands[0]}[{operands[1]}]"
        case "call":
            return f"{operands[0]}({', '.join(operands[1:])})"
        case "cast":
            return f"<{node.text}>{operands[0]}"
        case "conditional":
            return f"({operands[0]} ? {operands[1]} : {operands[2]})"
        case "deref" | "address" | "unary":
            return f"({node.text}{operands[0]})"
        case _:
            return f"({operands[0]} {node.text} {operands[1]})"


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        ("größe", "größe"),
        ("::rounds", "rounds"),
        ("shop::Item::sold", "shop::Item::sold"),
        ("ring.next->next->value", "ring.next->next->value"),
        ("numbers._M_impl._M_start[3]", "numbers._M_impl._M_start[3]"),
        ("*(&matrix[0][0])@6", "((*(&matrix[0][0])) @ 6)"),
        ("*(zoo::Node *) 0x7ffe10", "(*<zoo::Node *>0x7ffe10)"),
        ("*(std::map<int, std::pair<int, char>> *) 0x10", "(*<std::map<int, std::pair<int, char>> *>0x10)"),
        ("(unsigned char)letter", "<unsigned char>letter"),
        ("(letter)", "letter"),
        ("(letter) + 1", "(letter + 1)"),
        ("*(0x7ffe10 as *mut alloc::vec::Vec<&str>)", "(*<alloc::vec::Vec<&str> *>0x7ffe10)"),
        ("*(0x10 as *mut (i32, &str))", "(*<(i32, &str) *>0x10)"),
        ("pair.0.1", "pair.0.1"),
        ("pair.0", "pair.0"),
        ("person.tags[1]", "person.tags[1]"),
        ('prices["one"]', 'prices["one"]'),
        ("1 + 2 * 3 - x", "((1 + (2 * 3)) - x)"),
        ("a == b && c != 'x'", "((a == b) && (c != 'x'))"),
        ("-x << 2", "((-x) << 2)"),
        ("a = b = 3", "(a = (b = 3))"),
        ("add(1, f(x))", "add(1, f(x))"),
        ("$r15 + 1", "($r15 + 1)"),
        ("2.5e3 * 0x10u", "(2.5e3 * 0x10)"),
        ("a ? 1 : b ? f(x) : -c", "(a ? 1 : (b ? f(x) : (-c)))"),
        ("a::b == 1 ? c::d : e", "((a::b == 1) ? c::d : e)"),
    ],
)
def test_expressions_become_trees(expression: str, tree: str) -> None:
    assert written(parse(expression)) == tree


@pytest.mark.parametrize(
    "expression", ["", "1 +", "a.", "f(", "a b", "#", '"open', "x ? y", "x ? : z", "a[1", "::", "a as"]
)
def test_what_is_not_understood_is_a_syntax_error(expression: str) -> None:
    with pytest.raises(SyntaxError):
        parse(expression)


@given(st.text(alphabet="abx01.:[]()*&->@=+ \"'<,$", max_size=20))
def test_any_text_is_a_tree_or_a_syntax_error(text: str) -> None:
    try:
        tree = parse(text)
    except SyntaxError:
        return
    assert is_path(tree) in (True, False)


@pytest.mark.parametrize("expression", ["a.b->c[2]", "*p", "&a.b", "*(T *) 0x10", "a[0]@3", "7"])
def test_paths_compute_and_change_nothing(expression: str) -> None:
    assert is_path(parse(expression))


@pytest.mark.parametrize("expression", ["a + 1", "-a", "f(1)", "a = 1", "a[f(1)]", "a[i + 1]", "*(a + 1)", "a ? b : c"])
def test_what_computes_or_calls_is_no_path(expression: str) -> None:
    assert not is_path(parse(expression))


def test_calls_and_names_are_found_wherever_they_stand() -> None:
    assert has_call(parse("1 + a[f(2)]"))
    assert not has_call(parse("1 + a[2]"))
    assert sorted(names_in("a.b + c::d[e]")) == ["a", "c::d", "e"]
    assert names_in("a +") == []
