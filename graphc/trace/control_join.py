"""Joining what two staged branches give to a name, and values that are one of several kinds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.errors import BranchMismatchError, StagingError, UndefinedNameError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import dispatch, nest, staging
from graphc.trace.control_values import (
    ABSENT,
    Never,
    State,
    Undefined,
    Unset,
    as_dtype,
    condition,
    describe,
    is_number,
    is_tensor_like,
    is_weak,
    kind_of_value,
    same_constant,
    type_of,
    weak_dtype,
    zeros_of,
)
from graphc.trace.dispatch import as_operand, convert_to_tensor
from graphc.trace.growing import GrowingList
from graphc.trace.rows import Later, Tracked
from graphc.trace.staging import Region
from graphc.trace.state import current, user_loc
from graphc.trace.tensor import SymbolicTensor, Tensor


def _lifted(python: Callable[..., Any]) -> Callable[..., Any]:
    def apply(self: Choice, *others: Any) -> Any:
        return lift(self, lambda v: python(v, *others))

    return apply


def _swapped(python: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda self, other: lift(self, lambda v: python(other, v))


@dataclass(eq=False, repr=False)
class Choice:
    """A value that is one of several when the program runs: the option whose number the tag holds.

    A name is one where a branch gives it None, a string, an object, or nothing at all, and the
    other branch something else.  Whatever is done with a choice is staged for each option; Python's
    errors become errors of the run.
    """

    _tag: Any  # an i32 scalar
    _options: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"<one of {', '.join(map(describe, self._options))}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lift(self, lambda v: getattr(v, name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dataclass_fields__:
            object.__setattr__(self, name, value)
            return
        raise StagingError(
            f"which object {self!r} is depends on a tensor; set {name!r} in the branches that give"
            " the object"
        )

    def __iter__(self) -> Any:
        return iter(lift(self, tuple))

    def __graphc_tensor__(self, dtype: Any, hint: Any) -> Any:
        return lift(self, lambda v: convert_to_tensor(v, dtype, hint))

    def __graphc_apply__(self, op: Any, args: Sequence[Any], attrs: Any) -> Any:
        hint = next((a.dtype for a in args if is_tensor_like(a)), None)
        given = [a.__graphc_tensor__(None, hint) if isinstance(a, Choice) else a for a in args]
        return dispatch.apply(op, given, attrs)

    __call__ = _lifted(lambda f, *args: f(*args))
    __getitem__ = _lifted(operator.getitem)
    __len__ = _lifted(len)
    __neg__, __pos__, __abs__ = map(_lifted, (operator.neg, operator.pos, abs))
    __add__, __radd__ = _lifted(operator.add), _swapped(operator.add)
    __sub__, __rsub__ = _lifted(operator.sub), _swapped(operator.sub)
    __mul__, __rmul__ = _lifted(operator.mul), _swapped(operator.mul)
    __truediv__, __rtruediv__ = _lifted(operator.truediv), _swapped(operator.truediv)
    __floordiv__, __rfloordiv__ = _lifted(operator.floordiv), _swapped(operator.floordiv)
    __mod__, __rmod__ = _lifted(operator.mod), _swapped(operator.mod)
    __pow__, __rpow__ = _lifted(operator.pow), _swapped(operator.pow)
    __matmul__, __rmatmul__ = _lifted(operator.matmul), _swapped(operator.matmul)
    __lt__, __le__ = _lifted(operator.lt), _lifted(operator.le)
    __gt__, __ge__ = _lifted(operator.gt), _lifted(operator.ge)

    def __eq__(self, other: object) -> Any:
        return compared(self, operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return compared(self, operator.ne, other)

    __hash__ = None  # type: ignore[assignment]


def options_of(value: Any) -> tuple[Any, ...]:
    """The values that something may be: itself, unless it is a choice."""
    return value._options if isinstance(value, Choice) else (value,)


def unites(a: Any, b: Any) -> bool:
    """Whether two options are one: values that a tensor or a structure can hold, or the same."""
    kind = kind_of_value(a)
    return kind == kind_of_value(b) and (kind != "python" or same_constant(a, b))


def place_of(options: Sequence[Any], value: Any) -> int | None:
    """The number of the option that holds a value."""
    return next((i for i, option in enumerate(options) if unites(option, value)), None)


def tag_among(options: Sequence[Any], value: Any) -> Any:
    """The tag of a value where the options are these."""
    if not isinstance(value, Choice):
        return place_of(options, value)
    places = [place_of(options, option) for option in value._options]
    if places == list(range(len(places))):
        return value._tag
    return ops.gather(staging.constant([p or 0 for p in places]), value._tag)


# --- what is known of a choice --------------------------------------------------------------------


def possible(choice: Choice) -> list[int]:
    """The options that the branches around leave open."""
    left = list(range(len(choice._options)))
    tracer = current.tracer
    while tracer is not None and isinstance(choice._tag, SymbolicTensor):
        allowed = tracer.assumed.get(choice._tag.value)
        if allowed is not None:
            left = [i for i in left if i in allowed]
        tracer = tracer.parent
    return left


def narrowed(value: Any) -> Any:
    """The value, where the branches around leave open only one of its options."""
    if not isinstance(value, Choice):
        return value
    left = possible(value)
    return value._options[left[0]] if len(left) == 1 else value


def is_one_of(choice: Choice, wanted: Callable[[Any], bool]) -> Any:
    """Whether a choice's value is one that ``wanted`` holds for; a branch on it will know."""
    left = possible(choice)
    yes = [i for i in left if wanted(choice._options[i])]
    if not yes or len(yes) == len(left):
        return bool(yes)
    test: Any = None
    for i in yes:
        same = ops.equal(choice._tag, i)
        test = same if test is None else ops.logical_or(test, same)
    no = frozenset(left) - frozenset(yes)
    test.tracer.root.tests[test.value] = ({choice._tag.value: frozenset(yes)},
                                          {choice._tag.value: no})  # fmt: skip
    return test


def compared(choice: Choice, test: Callable[[Any, Any], Any], other: Any) -> Any:
    """A choice against None, a string, an object: the tag decides if no option is a tensor."""
    plain = {kind_of_value(other), *(kind_of_value(choice._options[i]) for i in possible(choice))}
    if test in (operator.is_, operator.is_not) or plain == {"python"}:
        return is_one_of(choice, lambda v: bool(test(v, other)))
    return lift(choice, lambda v: test(v, other))


def truth(choice: Choice) -> Any:
    """Whether a choice counts as true."""
    if all(kind_of_value(choice._options[i]) == "python" for i in possible(choice)):
        return is_one_of(choice, bool)

    def test(value: Any) -> Any:
        if not is_tensor_like(value):
            return bool(value)
        return condition(convert_to_tensor(value), "`if`")

    return lift(choice, test)


def assumption(test: Any, outcome: bool) -> dict[Any, frozenset[int]]:
    """What holds for choices where a test has come out like this."""
    if not isinstance(test, SymbolicTensor):
        return {}
    return test.tracer.root.tests.get(test.value, ({}, {}))[0 if outcome else 1]


def note_test(result: Any, when_true: dict[Any, Any], when_false: dict[Any, Any]) -> Any:
    """Remember what a test that was made of others says about choices."""
    if isinstance(result, SymbolicTensor) and (when_true or when_false):
        result.tracer.root.tests[result.value] = when_true, when_false
    return result


def used(choice: Choice, name: str) -> Any:
    """The value of a name that is read; raises at run time if it has none."""
    left = possible(choice)
    unset = [i for i in left if isinstance(choice._options[i], Undefined)]
    rest = [i for i in left if i not in unset]
    if unset and rest:
        there = is_one_of(choice, lambda v: not isinstance(v, Undefined))
        staging.emit_assert(there, UndefinedNameError, [_no_value(choice._options[unset[0]], name)])
        current.tracer.assumed[choice._tag.value] = frozenset(rest)  # type: ignore[union-attr]
    elif unset:
        return unused(choice._options[unset[0]], name)
    return choice._options[rest[0]] if len(rest) == 1 else choice


def unused(value: Undefined, name: str) -> Any:
    """A name is read that has no value on the way that is traced."""
    if isinstance(value, Unset):
        error: Exception = UndefinedNameError(_no_value(value, name))
    else:
        error = UnboundLocalError(
            f"cannot access local variable {name!r} where it is not associated with a value"
        )
    raise marked(error)


def _no_value(value: Undefined, name: str) -> str:
    reason = f": {value.reason}" if isinstance(value, Unset) else ""
    return f"{name!r} has no value{reason}"


# --- exceptions of branches -----------------------------------------------------------------------

_MARK = "__graphc_raised__"


def marked(error: Any) -> Any:
    """An exception, marked while a graph is traced: in a branch or a loop it becomes a check."""
    if current.tracer is not None:
        setattr(error, _MARK, True)
    return error


def is_own(error: Exception) -> bool:
    """Whether an exception is the program's own: such are raised when it runs."""
    return isinstance(error, UnboundLocalError) or getattr(error, _MARK, False)


def at_run_time(error: Exception) -> Never:
    """Raise an exception when the program comes to the current point."""
    raise_unless(staging.constant(False), error)
    return Never(error)


def raise_unless(ok: Any, error: Exception) -> None:
    """Raise an exception like ``error`` at run time where ``ok`` is false."""
    state = {k: v for k, v in vars(error).items() if k != _MARK}
    if not state and all(isinstance(v, Tensor | str | int | float) for v in error.args):
        staging.emit_assert(ok, type(error), error.args)
        return
    again = _Again(error, [list(error.args), state])
    ops.raise_unless(ok, *again.tensors, exception=again, template=(None,) * len(again.tensors))


class _Again:
    """Makes an exception like one that was raised while tracing, with values for its tensors."""

    def __init__(self, error: Exception, held: Any) -> None:
        self.type, self.held = type(error), held
        self.__qualname__ = self.type.__qualname__  # as the graph's text shows it
        self.leaves = nest.flatten(held)
        self.tensors = [v for v in self.leaves if isinstance(v, Tensor)]

    def __call__(self, *values: Any) -> Exception:
        given = iter(values)
        filled = [next(given) if isinstance(v, Tensor) else v for v in self.leaves]
        args, state = settled(nest.pack_sequence_as(self.held, filled))
        error = self.type.__new__(self.type, *args)  # `__init__` has run: this is what it made
        error.args = tuple(args)
        vars(error).update(state)
        return error


def to_the_end(body: Callable[[], Any]) -> Any:
    """Trace a function's body.

    An exception of its own is raised when the graph runs, if something that the graph does comes
    first or the exception holds tensors; else at once.
    """
    try:
        return body()
    except Exception as error:
        nodes = current.tracer.nodes  # type: ignore[union-attr]
        later = any(n.effect or n.op.can_fail or n.regions for n in nodes)
        leaves = nest.flatten([list(error.args), vars(error)])
        holds = any(isinstance(v, SymbolicTensor) for v in leaves)
        if not (holds or (later and is_own(error))):
            raise
        at_run_time(error)
        return None


def lift(choice: Choice, fn: Callable[[Any], Any]) -> Any:
    """``fn`` of whatever the value is: a staged branch for each option."""
    return _over(choice, possible(choice), fn, user_loc())


def _over(choice: Choice, left: list[int], fn: Callable[[Any], Any], loc: Any) -> Any:
    first, *others = left
    if not others:
        return fn(choice._options[first])
    pred = ops.equal(choice._tag, first)
    with staging.region("then") as a:
        x = _attempt(choice._options[first], fn)
    with staging.region("else") as b:
        y = _over(choice, others, fn, loc) if len(others) > 1 else _attempt(
            choice._options[others[0]], fn)  # fmt: skip
    if isinstance(x, Never) and isinstance(y, Never):
        raise y.exception
    join = Join(a, b, loc)
    template = join.value(*(ABSENT if isinstance(v, Never) else v for v in (x, y)), "the result")
    results = staging.emit_if(pred, a, join.left, b, join.right, join.names)
    return fill(template, results)


def _attempt(option: Any, fn: Callable[[Any], Any]) -> Any:
    """``fn`` of an option; what Python says of a value without tensors is said at run time."""
    kind = kind_of_value(option)
    if kind not in ("python", "undefined"):
        return fn(option)
    try:
        return fn(option)
    except Exception as error:
        if not isinstance(option, Undefined):
            return at_run_time(error)
        if type(error) not in (TypeError, AttributeError):
            raise
        return at_run_time(AttributeError(_no_value(option, "an attribute")))


def settled(structure: Any) -> Any:
    """A result with its choices made: their tags have values now."""
    if isinstance(structure, Choice):
        if isinstance(structure._tag, SymbolicTensor):
            return structure
        return settled(structure._options[int(structure._tag)])
    if isinstance(structure, GrowingList):
        structure = structure.settled()
    if not nest.is_nested(structure):
        return structure
    return nest.rebuild(structure, [(k, settled(v)) for k, v in nest.children(structure)])


# --- joining two branches -------------------------------------------------------------------------


class _Slot:
    """A place in a structure that the n-th result of the `if` fills."""

    __slots__ = ("index", "weak")

    def __init__(self, index: int, weak: bool = False) -> None:
        self.index, self.weak = index, weak

    def of(self, results: Sequence[Any]) -> Any:
        result = results[self.index]
        result.weak = self.weak
        return result


def fill(template: Any, results: Sequence[Any]) -> Any:
    """A structure with its slots replaced."""
    leaves = nest.flatten(template)
    if not any(isinstance(leaf, _Slot) for leaf in leaves):
        return template
    filled = [leaf.of(results) if isinstance(leaf, _Slot) else leaf for leaf in leaves]
    return nest.pack_sequence_as(template, filled)


class Join:
    """Joins the values that two branches give to names; collects what the `if` must return."""

    def __init__(self, then_r: Region, else_r: Region, loc: Any) -> None:
        self.regions, self.loc = (then_r, else_r), loc
        self.left: list[Any] = []
        self.right: list[Any] = []
        self.names: list[str] = []

    def values(self, a: State | None, b: State | None, names: Sequence[str]) -> Any:
        """Templates for the values of several names; None: the branch does not come this way."""
        count = len(a if a is not None else b or ())
        a, b = (x if x is not None else (ABSENT,) * count for x in (a, b))
        named = list(names) if len(names) == count else [""] * count
        return tuple(self.value(x, y, n) for x, y, n in zip(a, b, named, strict=True))

    def value(self, a: Any, b: Any, name: str) -> Any:
        if a is ABSENT or b is ABSENT:
            return self.one_sided(b if a is ABSENT else a, 1 if a is ABSENT else 0, name)
        if a is b and isinstance(a, Tracked):  # `control_watch` knows what it holds
            return a
        if isinstance(a, Later) != isinstance(b, Later):
            return self._leaf(*self._started(a, b), name)
        if same_constant(a, b) and not _holds_new(a, self.regions):
            return a
        kinds = {kind_of_value(a), kind_of_value(b)}
        if kinds == {"tensor"}:
            return self._leaf(a, b, name)
        if kinds == {"nested"} and not isinstance(a, Choice) and not isinstance(b, Choice):
            return self._nested(a, b, name)
        if kinds == {"nested", "tensor"}:
            raise self._mismatch(a, b, name)
        return self._choice(a, b, name)

    def one_sided(self, value: Any, side: int, name: str) -> Any:
        """A value that the other branch does not need: there it is zero."""

        def leaf(v: Any) -> Any:
            if not is_tensor_like(v):
                return v
            with staging.reopen(self.regions[side]):
                tensor = as_operand(v)
            with staging.reopen(self.regions[1 - side]):
                other = zeros_of(type_of(tensor))
            pair = (tensor, other) if side == 0 else (other, tensor)
            return self.slot(*pair, name, weak=is_weak(v))

        if not nest.is_nested(value):
            return leaf(value)
        return nest.pack_sequence_as(value, [leaf(v) for v in nest.flatten(value)])

    def _choice(self, a: Any, b: Any, name: str) -> Any:
        """A value that is of one kind after one branch and of another after the other."""
        options: list[Any] = [_missing(v, name, 0, self.loc) for v in options_of(a)]
        for v in options_of(b):
            if place_of(options, v) is None:
                options.append(_missing(v, name, 1, self.loc))
        kinds = {kind_of_value(v) for v in options}
        if kinds >= {"nested", "tensor"}:
            raise self._mismatch(a, b, name)
        tags = []
        for region, v in zip(self.regions, (a, b), strict=True):
            with staging.reopen(region):
                tags.append(convert_to_tensor(tag_among(options, v)))
        joined = []
        for option in options:
            if kind_of_value(option) in ("python", "undefined"):
                joined.append(option)
                continue
            sides = [next((w for w in options_of(v) if unites(option, w)), ABSENT) for v in (a, b)]
            joined.append(self.value(*sides, name))
        return Choice(self.slot(*tags, ""), tuple(joined))

    def _nested(self, a: Any, b: Any, name: str) -> Any:
        if not nest.same_container(a, b):
            raise self._mismatch(a, b, name)
        pairs = zip(nest.children(a), nest.children(b), strict=True)
        parts = [(k, self.value(x, y, path(a, name, k))) for (k, x), (_, y) in pairs]
        return nest.rebuild(a, parts)

    def _started(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Rows that one branch has begun to write, as they are in both."""
        side = 0 if isinstance(a, Later) else 1
        with staging.reopen(self.regions[side]):
            zeros = (a, b)[side].typed(type_of((b, a)[side]))
        return (zeros, b) if side == 0 else (a, zeros)

    def _leaf(self, a: Any, b: Any, name: str) -> Any:
        """Numbers and tensors of one dtype."""
        if is_number(a) and is_number(b):
            hint = weak_dtype(a, b)
            if hint is None:
                raise self._mismatch(a, b, name)
        else:
            other_first = is_number(a) or (is_weak(a) and not is_number(b))
            hint = type_of(b if other_first else a).dtype
            if any(is_tensor_like(v) and type_of(v).dtype is dtypes.python for v in (a, b)):
                hint = dtypes.python
        tensors = []
        for region, v in zip(self.regions, (a, b), strict=True):
            with staging.reopen(region):
                tensors.append(as_dtype(v, hint))
        x, y = map(type_of, tensors)
        if x.dtype is not y.dtype or x.rank != y.rank:
            raise self._mismatch(*tensors, name)
        return self.slot(*tensors, name, weak=is_weak(a) and is_weak(b))

    def slot(self, x: Any, y: Any, name: str, weak: bool = False) -> _Slot:
        self.left.append(x)
        self.right.append(y)
        self.names.append(_identifier(name))
        return _Slot(len(self.left) - 1, weak)

    def _mismatch(self, a: Any, b: Any, name: str) -> BranchMismatchError:
        what = repr(name) if name.split("[")[0].isidentifier() else name or "its result"
        return BranchMismatchError(
            f"the `if` at {self.loc} gives {what} two kinds of values: {describe(a)} in the first"
            f" branch, {describe(b)} in the second"
        )


def _missing(value: Any, name: str, side: int, loc: Any) -> Any:
    """An option of a branch; one without a value knows where it was not given."""
    if not isinstance(value, Undefined) or isinstance(value, Unset):
        return value
    return Unset(f"the {('first', 'second')[side]} branch of the `if` at {loc} gives it none")


def path(structure: Any, name: str, key: Any) -> str:
    """How Python spells a part of a structure."""
    indexed = isinstance(structure, list | tuple | dict)
    return f"{name}[{key!r}]" if indexed else f"{name}.{key}"


def _identifier(name: str) -> str:
    head = name.split("[")[0].split(".")[0]
    return head if head.isidentifier() else ""


def _holds_new(value: Any, regions: Sequence[Region]) -> bool:
    """Whether a value that both branches give was made inside one of them."""
    return any(isinstance(v, SymbolicTensor) and v.tracer in regions for v in nest.flatten(value))
