"""Frames' names."""

import pytest

from dapbridge.engines.mi.stack import without_parameters


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("main", "main"),
        ("shop::Item::total", "shop::Item::total"),
        ("std::thread::join()", "std::thread::join"),
        ("std::vector<int (*)(char)>::at(unsigned long) const", "std::vector<int (*)(char)>::at"),
        ("f(int (*)(char), std::function<void ()>)", "f"),
        ("Call::operator()", "Call::operator()"),
        ("Call::operator()(int) const &", "Call::operator()"),
        ("main()::<lambda(int)>::operator()(int) const", "main()::<lambda(int)>::operator()"),
        ("main()::<lambda(int)>", "main()::<lambda(int)>"),
        ("(anonymous namespace)::run", "(anonymous namespace)::run"),
        ("(anonymous namespace)::run(int)", "(anonymous namespace)::run"),
        ("core::ops::function::FnOnce::call_once<fn(), ()>", "core::ops::function::FnOnce::call_once<fn(), ()>"),
        ("<f(int)>::(int)", "<f(int)>::(int)"),
        ("a)", "a)"),
        ("()", "()"),
        ("", ""),
    ],
)
def test_a_function_is_named_without_its_parameters(name: str, short: str) -> None:
    assert without_parameters(name) == short
