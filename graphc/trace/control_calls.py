"""Calls from converted code: callees are converted too, builtins know tensors."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from graphc import autograph
from graphc.errors import SourceNotFoundError
from graphc.trace import host_calls
from graphc.trace.control_builtins import staged_builtin
from graphc.trace.control_classes import TWINS, is_library
from graphc.trace.control_join import Choice, lift
from graphc.trace.state import current


def callee(function: Any, operators: Any) -> Any:
    """What a converted function calls instead of ``function``."""
    made = _callee(function, operators)
    tracer = current.tracer
    if tracer is None or tracer.root.host is None or _is_converted(made):
        return made
    return host_calls.tried(function, made)


def _is_converted(made: Any) -> bool:
    code = getattr(getattr(made, "__func__", made), "__code__", None)
    return code is not None and autograph.is_converted(code)


def _callee(function: Any, operators: Any) -> Any:
    kind = type(function)
    if kind is FunctionType:
        return _function(function, operators)
    if kind is MethodType:
        inner = function.__func__
        if type(inner) is not FunctionType:
            return function
        made = _function(inner, operators)
        if made is inner:
            return function
        if id(function.__self__) not in TWINS.seen:
            TWINS.see(function.__self__)
        return MethodType(made, function.__self__)
    if kind is BuiltinFunctionType or kind is type:
        if kind is type:
            TWINS.see(function)
        return staged_builtin(function, operators)
    if kind is functools.partial:
        made = callee(function.func, operators)
        return (
            function
            if made is function.func
            else functools.partial(made, *function.args, **function.keywords)
        )
    if isinstance(function, type):
        TWINS.see(function)
        return function
    if kind is Choice:
        return lambda *args, **kwargs: lift(
            function, lambda f: callee(f, operators)(*args, **kwargs)
        )
    return _callable(function, operators)


def _callable(function: Any, operators: Any) -> Any:
    """An object with a `__call__` of the user's."""
    method = getattr(type(function), "__call__", None)  # noqa: B004
    if type(method) is not FunctionType or _is_library(method):
        return function
    made = _function(method, operators)
    TWINS.see(function)
    return function if made is method else MethodType(made, function)


def _function(function: FunctionType, operators: Any) -> Any:
    known = function.__dict__.get("__graphc_converted__")
    if known is None and (autograph.is_left_alone(function) or _is_library(function)):
        return function
    if id(function) not in TWINS.seen:
        TWINS.look(function)
    try:
        return autograph.convert(function, operators)
    except SourceNotFoundError:  # it is called as it is; a tensor that it branches on will say so
        return function


@contextmanager
def implicit_calls(operators: Any, body: Any, *given: Any) -> Iterator[None]:
    """While ``body`` is traced, methods that Python calls by itself are converted too."""
    if autograph.conversion(body) is None:  # nothing is: so it was asked for
        yield
        return
    with TWINS.held(lambda function: _function(function, operators)):
        TWINS.see(*given)
        function = getattr(body, "__func__", body)
        if isinstance(function, FunctionType):
            TWINS.look(function)
        yield


def _is_library(function: FunctionType) -> bool:
    """graphc itself, Python's library and installed packages are called as they are."""
    return is_library(function.__code__.co_filename)
