"""Converted functions that run as plain Python: they do what the original does."""

from __future__ import annotations

import pytest

from graphc import autograph
from tests.autograph import cases_flow, cases_functions
from tests.autograph.plain import Plain

FUNCTIONS = [*cases_flow.FUNCTIONS, *cases_functions.FUNCTIONS]


def outcome(fn, *args):
    """What a call gives: a value, or the type and arguments of an exception."""
    try:
        return repr(fn(*args))
    except Exception as error:
        worded = not isinstance(error, UnboundLocalError | AssertionError)  # pytest edits asserts
        shown = error.args if worded else ""
        return type(error), shown, type(error.__cause__)


@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda f: f.__name__)
def test_a_converted_function_does_what_the_original_does(fn) -> None:
    converted = autograph.convert(fn, Plain(fn.__code__.co_filename))
    assert converted.__code__ is not fn.__code__, "was not converted"
    for x in range(9):
        assert outcome(converted, x) == outcome(fn, x), f"for {x}:\n{autograph.to_code(fn)}"


@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda f: f.__name__)
def test_nothing_is_left_as_it_is(fn) -> None:
    refused = autograph.conversion(autograph.convert(fn, Plain())).refusals
    generators = [r for r in refused if "generators" in r.reason]
    assert len(refused) == len(generators) == (fn is cases_functions.inner_generator)


def test_the_function_keeps_its_face() -> None:
    fn = cases_functions.arguments
    made = autograph.convert(fn, Plain())
    assert made.__name__ == "arguments" and made.__module__ == fn.__module__
    assert made.__defaults__ == (3,) and made.__kwdefaults__ == {"z": 4}
    assert made.__code__.co_filename == fn.__code__.co_filename
    assert made.__code__.co_firstlineno == fn.__code__.co_firstlineno
    assert made.__globals__ is fn.__globals__
