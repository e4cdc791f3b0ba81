"""From a function to its converted twin: same file, lines, globals, closure and defaults."""

from __future__ import annotations

import ast
import dis
import functools
import weakref
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

from graphc.autograph import islands, quote
from graphc.autograph.context import Refusal, Unconvertible, Unit
from graphc.autograph.frame import refused, rewrite_function
from graphc.autograph.source import Located, copy_of, locate
from graphc.autograph.unfold import GeneratorsUsedUp
from graphc.errors import SourceNotFoundError


@dataclass(frozen=True)
class Conversion:
    """What conversion did with a function."""

    name: str
    filename: str
    line: int
    refusals: tuple[Refusal, ...]
    tree: ast.FunctionDef | ast.Lambda
    original: weakref.ref[FunctionType] | None = None
    operators: Any = None


@dataclass(frozen=True)
class _Rewritten:
    """The converted form of a code object; ``code`` is None where the function is left alone."""

    code: CodeType | None
    operators_name: str
    tree: ast.FunctionDef | ast.Lambda
    refusals: tuple[Refusal, ...]
    guards: tuple[Any, ...] = ()  # see `islands.guards`


class _Source:
    """Where code comes from, as `locate` asks for it."""

    def __init__(self, fn: FunctionType) -> None:
        self.__code__, self.__globals__ = fn.__code__, fn.__globals__
        self.__qualname__ = fn.__qualname__


class _PerCode:
    """Values kept as long as code objects, by identity: code of two files may compare equal."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[weakref.ref[CodeType], Any]] = {}

    def get(self, code: CodeType) -> Any:
        found = self._held.get(id(code))
        return None if found is None else found[1]

    def put(self, code: CodeType, value: Any) -> Any:
        key = id(code)
        self._held[key] = weakref.ref(code, lambda _: self._held.pop(key, None)), value
        return value

    def drop(self, code: CodeType) -> None:
        self._held.pop(id(code), None)


_done = _PerCode()  # how code is rewritten
_made = _PerCode()  # for code that is converted already: the `_Source` it was made of
_islands = _PerCode()  # the places in a function that stay Python's


def convert(fn: Any, operators: Any) -> Any:
    """The function with its control flow and calls going through ``operators``.

    Methods, partial objects and wrappers are seen through.  Raises `SourceNotFoundError` where
    there is no source.
    """
    if isinstance(fn, functools.partial):
        return functools.partial(convert(fn.func, operators), *fn.args, **fn.keywords)
    inner = getattr(fn, "__func__", None)
    if isinstance(fn, MethodType):
        return MethodType(convert(inner, operators), fn.__self__)
    if inner is not None and not isinstance(fn, FunctionType):  # a method that is held weakly
        return _Bound(convert(inner, operators), fn)
    if not isinstance(fn, FunctionType):
        return _convert_callable(fn, operators)
    if is_left_alone(fn):
        return fn
    known = fn.__dict__.get("__graphc_converted__")
    if known is not None and _is_for(known, fn, operators):
        return known
    made = _bind(fn, _rewrite(fn), operators)
    fn.__graphc_converted__ = made  # type: ignore[attr-defined]  # it lives as long as fn
    return made


class _Bound:
    """A converted method of an object that its wrapper holds weakly."""

    def __init__(self, function: FunctionType, method: Any) -> None:
        self.__func__, self._method = function, method
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__(self._method.__self__, *args, **kwargs)


def _convert_callable(fn: Any, operators: Any) -> Any:
    """A callable object: its ``__call__`` is converted."""
    method = getattr(type(fn), "__call__", None)  # noqa: B004  # the method itself is wanted
    if isinstance(fn, type) or not isinstance(method, FunctionType):
        return fn
    return MethodType(convert(method, operators), fn)


def is_left_alone(fn: FunctionType) -> bool:
    """Whether a function is converted already, or must not be."""
    marked = fn.__dict__.get("__graphc_do_not_convert__") is fn.__code__
    return marked or is_converted(fn.__code__)


def is_converted(code: CodeType) -> bool:
    return _made.get(code) is not None


def add_island(
    code: CodeType, position: islands.Position, statement: bool = False
) -> ast.AST | None:
    """Let the part of a function around a position of its converted code be Python's from now on.

    Returns that part; None if only the function as a whole will do.
    """
    source: _Source = _made.get(code)
    known = _islands.get(source.__code__) or frozenset()
    found = islands.widen(locate(source).node, position, known, statement)  # type: ignore[arg-type]
    if found is not None:
        _islands.put(source.__code__, known | {islands.place_of(found)})
        _done.drop(source.__code__)
    return found


def assigned(code: CodeType, name: str) -> list[ast.AST]:
    """The values that converted code gives a name and that can become islands."""
    source: _Source = _made.get(code)
    known = _islands.get(source.__code__) or frozenset()
    return islands.assigned(locate(source).node, name, known)  # type: ignore[arg-type]


def add_assigned(code: CodeType, name: str) -> list[ast.AST]:
    """Let Python make the values of a name from now on; returns where."""
    source: _Source = _made.get(code)
    found = assigned(code, name)
    known = _islands.get(source.__code__) or frozenset()
    _islands.put(source.__code__, known | {islands.place_of(v) for v in found})
    _done.drop(source.__code__)
    return found


def guards_of(code: CodeType) -> tuple[Any, ...]:
    """The `islands.guards` of converted code."""
    rewritten = _done.get(_made.get(code).__code__)
    return () if rewritten is None else rewritten.guards


def do_not_convert(fn: Any = None) -> Any:
    """Keep a function as it is where AutoGraph calls it (TF: ``do_not_convert``)."""
    if fn is None:
        return do_not_convert
    target = getattr(fn, "__func__", fn)
    if isinstance(target, FunctionType):
        target.__graphc_do_not_convert__ = target.__code__  # type: ignore[attr-defined]
    return fn


def _is_for(made: FunctionType, fn: FunctionType, operators: Any) -> bool:
    """Whether a stored conversion is this function's: `functools.wraps` copies attributes."""
    note: Conversion = made.__graphc_conversion__  # type: ignore[attr-defined]
    same = note.original is not None and note.original() is fn and note.operators is operators
    current = _done.get(fn.__code__)
    kept = current is not None and current.tree is note.tree
    return same and kept and made.__globals__ is fn.__globals__


def _bind(fn: FunctionType, rewritten: _Rewritten, operators: Any) -> FunctionType:
    note = Conversion(
        fn.__qualname__, fn.__code__.co_filename, fn.__code__.co_firstlineno, rewritten.refusals,
        rewritten.tree, weakref.ref(fn), operators,
    )  # fmt: skip
    code = rewritten.code or fn.__code__
    cells = dict(zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True))
    cells[rewritten.operators_name] = CellType(operators)
    closure = tuple(cells[name] for name in code.co_freevars) or None
    made = FunctionType(code, fn.__globals__, fn.__name__, fn.__defaults__, closure)
    made.__kwdefaults__ = fn.__kwdefaults__
    made.__dict__.update({k: v for k, v in fn.__dict__.items() if not k.startswith("__graphc")})
    made.__doc__, made.__qualname__, made.__module__ = fn.__doc__, fn.__qualname__, fn.__module__
    made.__annotations__ = fn.__annotations__
    made.__graphc_conversion__ = note  # type: ignore[attr-defined]
    return made


# --- code -----------------------------------------------------------------------------------------


def _rewrite(fn: FunctionType) -> _Rewritten:
    return _done.get(fn.__code__) or _done.put(fn.__code__, _rewrite_code(fn))


def _rewrite_code(fn: FunctionType) -> _Rewritten:
    located = locate(fn)
    node, unit = located.node, Unit(located.filename)
    if located.enclosing_class:
        _Mangle(located.enclosing_class).start(node)
    if located.newer and not isinstance(node, ast.AsyncFunctionDef):
        _check_unchanged(fn, copy_of(node), located)
    GeneratorsUsedUp(node).visit(node)
    unit.taken = set(_names(node))
    unit.enclosing = frozenset(fn.__code__.co_freevars)
    places = _islands.get(fn.__code__)
    if places:
        islands.mark(node, places)
    guards = tuple(islands.guards(node))
    reason = refused(node)
    try:
        if reason:
            unit.refusals.append(Refusal(node.lineno, node_title(node), reason))
            raise Unconvertible
        rewrite_function(unit, node, defined_outside=_defined(fn))  # type: ignore[arg-type]
    except Unconvertible:
        return _Rewritten(None, quote.AG, locate(fn).node, tuple(unit.refusals))  # type: ignore[arg-type]
    operators = _rename_operators(node, unit)
    code = _compile(fn, node, located, operators)  # type: ignore[arg-type]
    _register(code, _Source(fn))
    return _Rewritten(code, operators, node, tuple(unit.refusals), guards)  # type: ignore[arg-type]


def _check_unchanged(
    fn: FunctionType, node: ast.FunctionDef | ast.Lambda, located: Located
) -> None:
    """Refuse a definition that Python compiles to other code than the function has."""
    if not _same_code(_compile(fn, node, located, quote.AG), fn.__code__):
        raise SourceNotFoundError(
            f"the source of {fn.__qualname__} at {located.filename}:{fn.__code__.co_firstlineno}"
            " is not what the function does: the file has changed since it was imported"
        )


# Python calls `tf.f()` in another way where the same module imports tf.
_CALLING = {"LOAD_METHOD", "LOAD_ATTR", "LOAD_GLOBAL", "PUSH_NULL", "PRECALL", "NOP", "CACHE"}
_OPERATORS = {"BINARY_OP", "COMPARE_OP", "IS_OP", "CONTAINS_OP"}


def _steps(code: CodeType) -> list[Any]:
    """What code does, apart from how it looks methods up."""
    return [code.co_names, len(code.co_consts)] + [
        (i.opname, i.arg if i.opname in _OPERATORS else None)
        for i in dis.get_instructions(code)
        if i.opname not in _CALLING
    ]


def _same_code(a: CodeType, b: CodeType) -> bool:
    if _steps(a) != _steps(b):
        return False
    return all(
        _same_code(x, y) if isinstance(x, CodeType) and isinstance(y, CodeType)
        else type(x) is type(y) and repr(x) == repr(y)
        for x, y in zip(a.co_consts, b.co_consts, strict=True)
    )  # fmt: skip


def node_title(node: ast.AST) -> str:
    return getattr(node, "name", "lambda")


def _defined(fn: FunctionType) -> frozenset[str]:
    """Names of globals and closure cells that have a value."""
    filled = set(fn.__globals__)
    for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
        try:
            cell.cell_contents  # noqa: B018
            filled.add(name)
        except ValueError:
            filled.discard(name)
    return frozenset(filled)


def _names(node: ast.AST) -> list[str]:
    found = []
    for n in ast.walk(node):
        for name in ("id", "arg", "name"):
            value = getattr(n, name, None)
            if isinstance(value, str):
                found.append(value)
    return found


def _rename_operators(node: ast.AST, unit: Unit) -> str:
    """The name of the operators: another one if the user's code has an ``ag`` too."""
    if quote.AG not in unit.taken:
        return quote.AG
    name = unit.fresh(quote.AG)
    for n in ast.walk(node):
        if isinstance(n, ast.Name) and hasattr(n, "ours"):
            n.id = name
    return name


def _compile(
    fn: FunctionType, node: ast.FunctionDef | ast.Lambda, located: Located, operators: str
) -> CodeType:
    """The code of the rewritten definition; free variables stay free."""
    name, args = getattr(node, "name", ""), node.args
    defaults = args.defaults, args.kw_defaults
    args.defaults, args.kw_defaults = [], [None] * len(args.kwonlyargs)
    if isinstance(node, ast.Lambda):
        body: ast.stmt = quote.at(ast.Return(node), node)
    else:
        # a decorator that stands for all of them keeps the first line that Python gives the code
        node.decorator_list = [quote.at(quote.constant(None), d) for d in node.decorator_list[:1]]
        node.returns = None
        for arg in ast.walk(node.args):
            if isinstance(arg, ast.arg):
                arg.annotation = None
        node.name, body = _NAME, node  # its own name must stay a global or a cell
    free = [operators, *fn.__code__.co_freevars]
    factory = quote.at(quote.define("factory", free, [body]), node)
    tree = ast.Module([factory], [])
    try:
        module = compile(tree, located.filename, "exec", dont_inherit=True, flags=_future(fn))
    except RecursionError as error:
        raise SourceNotFoundError(f"{fn.__qualname__} nests too deeply to be converted") from error
    finally:
        args.defaults, args.kw_defaults = defaults
        if isinstance(node, ast.FunctionDef):
            node.name, node.decorator_list = name, []
    outer = next(c for c in module.co_consts if isinstance(c, CodeType))
    code = next(c for c in outer.co_consts if isinstance(c, CodeType))
    return _titled(code, code.co_qualname, fn.__code__)


_NAME = "<converted>"  # which no variable of the user's can have


def _titled(code: CodeType, made_up: str, like: CodeType) -> CodeType:
    """Give code, and the block functions inside, the name that the user knows in tracebacks."""
    inner = tuple(
        _titled(c, made_up, like) if isinstance(c, CodeType) else c for c in code.co_consts
    )
    ours = code.co_name == _NAME or quote.BLOCK.fullmatch(code.co_name)
    qualified = like.co_qualname + code.co_qualname.removeprefix(made_up)
    return code.replace(
        co_consts=inner, co_name=like.co_name if ours else code.co_name, co_qualname=qualified
    )


def _future(fn: FunctionType) -> int:
    """The ``from __future__`` imports of the function's file."""
    import __future__

    flags = 0
    for name in __future__.all_feature_names:
        flags |= fn.__code__.co_flags & getattr(__future__, name).compiler_flag
    return flags


def _register(code: CodeType, source: _Source) -> None:
    """Remember converted code, with the functions inside."""
    _made.put(code, source)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            _register(inner, source)


class _Mangle(ast.NodeVisitor):
    """Private names of a class as the class spells them."""

    def __init__(self, owner: str) -> None:
        self.prefix = "_" + owner.lstrip("_")

    def start(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child)

    def visit(self, node: ast.AST) -> None:
        for name in ("id", "attr", "arg", "name"):
            value = getattr(node, name, None)
            if isinstance(value, str):
                setattr(node, name, self.spell(value))
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self.spell(n) for n in node.names]
        if not isinstance(node, ast.ClassDef):
            self.start(node)

    def spell(self, name: str) -> str:
        private = name.startswith("__") and not name.endswith("__") and "." not in name
        return self.prefix + name if private and self.prefix != "_" else name


def conversion(fn: Any) -> Conversion | None:
    """The record of a function's conversion, for reports; None if it was not converted."""
    fn = getattr(fn, "__func__", fn)
    fn = getattr(fn, "__dict__", {}).get("__graphc_converted__", fn)
    return getattr(fn, "__graphc_conversion__", None)


def converted_tree(fn: Any) -> Conversion:
    """The conversion of a function that is not run: for reading."""
    while not isinstance(fn, FunctionType):
        parts = (getattr(fn, name, None) for name in ("__func__", "func", "python_function"))
        call = getattr(type(fn), "__call__", None)  # noqa: B004  # the method itself is wanted
        inner = next((p for p in parts if p is not None), call)
        if inner is None or inner is fn:
            raise SourceNotFoundError(f"{fn!r} is not a Python function")
        fn = inner
    rewritten = _rewrite(fn)
    return Conversion(
        fn.__qualname__, fn.__code__.co_filename, fn.__code__.co_firstlineno, rewritten.refusals,
        rewritten.tree,
    )  # fmt: skip
