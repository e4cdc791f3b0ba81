"""Variables of static graphs: their collections, and variables that are found by name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import graphc as tf
from graphc.function.session import get_default_graph
from graphc.trace.state import current

AUTO_REUSE = "auto"


class GraphKeys:
    """The names of collections (TF: ``tf.compat.v1.GraphKeys``)."""

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    LOSSES = "losses"
    REGULARIZATION_LOSSES = "regularization_losses"
    UPDATE_OPS = "update_ops"
    GLOBAL_STEP = "global_step"
    SUMMARIES = "summaries"
    TRAIN_OP = "train_op"


def Variable(
    initial_value: Any = None, trainable: Any = None, collections: Any = None,
    validate_shape: bool = True, caching_device: Any = None, name: str | None = None,
    variable_def: Any = None, dtype: Any = None, expected_shape: Any = None,
    import_scope: Any = None, constraint: Any = None, use_resource: Any = None,
    synchronization: Any = None, aggregation: Any = None, shape: Any = None,
) -> Any:  # fmt: skip
    """A Variable, in collections of the graph that is built (eagerly there are none)."""
    more = {} if tf.executing_eagerly() else {"collections": collections}
    return tf.Variable(
        initial_value, trainable=trainable, name=name, dtype=dtype, constraint=constraint,
        shape=shape, **more,
    )  # fmt: skip


def add_to_collection(name: Any, value: Any) -> None:
    get_default_graph().add_to_collection(name, value)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    return get_default_graph().get_collection(key, scope)


def global_variables(scope: str | None = None) -> list[Any]:
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


all_variables = global_variables


def local_variables(scope: str | None = None) -> list[Any]:
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def variables_initializer(var_list: Sequence[Any], name: str = "init") -> Any:
    """An operation that gives Variables their initial values; nothing in eager code."""
    return tf.group(*(v.initializer for v in var_list), name=name) if var_list else tf.no_op(name)


def global_variables_initializer() -> Any:
    return variables_initializer(global_variables())


initialize_all_variables = global_variables_initializer


def local_variables_initializer() -> Any:
    return variables_initializer(local_variables())


def report_uninitialized_variables(var_list: Any = None, name: str | None = None) -> Any:
    """The names of the Variables that the entered session has no value for."""
    session = tf.compat.v1.get_default_session()
    held = {} if session is None else session.values
    listed = global_variables() + local_variables() if var_list is None else var_list
    names = [v.name.removesuffix(":0") for v in listed if v.key not in held]
    return tf.constant(names or [], tf.string)


def assign(ref: Any, value: Any, validate_shape: Any = None, use_locking: Any = None,
           name: str | None = None) -> Any:  # fmt: skip
    return ref.assign(value)


def assign_add(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    return ref.assign_add(value)


def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    return ref.assign_sub(value)


# --- by name --------------------------------------------------------------------------------------


class VariableScope:
    """A place for variables by name (TF: ``tf.compat.v1.VariableScope``)."""

    def __init__(self, name: str = "", reuse: Any = False, initializer: Any = None,
                 regularizer: Any = None, dtype: Any = tf.float32) -> None:  # fmt: skip
        self.name, self.reuse, self.dtype = name, reuse, dtype
        self.initializer, self.regularizer = initializer, regularizer

    @property
    def original_name_scope(self) -> str:
        return f"{self.name}/" if self.name else ""

    def reuse_variables(self) -> None:
        """From here on variables must be there already."""
        self.reuse = True

    def get_variable(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return get_variable(name, *args, **kwargs)

    def global_variables(self) -> list[Any]:
        return global_variables(self.original_name_scope)

    def trainable_variables(self) -> list[Any]:
        return trainable_variables(self.original_name_scope)


def get_variable_scope() -> VariableScope:
    """The scope that is entered."""
    graph = get_default_graph()
    if graph.scope is None:
        graph.scope = VariableScope()
    return graph.scope


@contextmanager
def variable_scope(
    name_or_scope: Any, default_name: str | None = None, values: Any = None,
    initializer: Any = None, regularizer: Any = None, caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None, reuse: Any = None, dtype: Any = None, use_resource: Any = None,
    constraint: Any = None, auxiliary_name_scope: bool = True,
) -> Iterator[VariableScope]:  # fmt: skip
    """Put the variables made inside under a name; ``reuse=True`` takes those that are there."""
    graph, outer = get_default_graph(), get_variable_scope()
    if isinstance(name_or_scope, VariableScope):
        name = name_or_scope.name
        reuse = reuse or name_or_scope.reuse
    else:
        base = f"{outer.name}/" if outer.name else ""
        if name_or_scope is None:
            if default_name is None:
                raise ValueError("If default_name is None then name_or_scope is required")
            name_or_scope = graph.unique_name(base + default_name).removeprefix(base)
        name = base + name_or_scope
    graph.scope = VariableScope(
        name, reuse or outer.reuse, initializer or outer.initializer,
        regularizer or outer.regularizer, dtype or outer.dtype,
    )  # fmt: skip
    before, current.scope = current.scope, f"{name}/" if name else ""
    try:
        yield graph.scope
    finally:
        graph.scope, current.scope = outer, before


def get_variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
    regularizer: Any = None, trainable: Any = None, collections: Any = None,
    caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True,
    use_resource: Any = None, custom_getter: Any = None, constraint: Any = None,
    synchronization: Any = None, aggregation: Any = None,
) -> Any:  # fmt: skip
    """The variable of a name in the entered scope: a new one, or that which is there.

    Raises ``ValueError`` if it is there and the scope does not reuse, or the reverse.
    """
    graph, scope = get_default_graph(), get_variable_scope()
    full = scope.original_name_scope + name
    held = _store(graph)
    if full in held and not scope.reuse:
        raise ValueError(
            f"Variable {full} already exists, disallowed. Did you mean to set reuse=True or"
            " reuse=tf.AUTO_REUSE in VarScope?"
        )
    if full in held:
        return _checked(held[full], full, shape)
    if scope.reuse is True:
        raise ValueError(
            f"Variable {full} does not exist, or was not created with tf.get_variable(). Did you"
            " mean to set reuse=tf.AUTO_REUSE in VarScope?"
        )
    kind = tf.as_dtype(dtype or scope.dtype)
    before, current.scope = current.scope, ""
    try:
        made = Variable(
            _initial(full, initializer or scope.initializer, shape, kind), trainable, collections,
            name=full, constraint=constraint,
        )  # fmt: skip
    finally:
        current.scope = before
    regularizer = regularizer or scope.regularizer
    if regularizer is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, regularizer(made))
    held[full] = made
    return made


def get_local_variable(name: str, *args: Any, **kwargs: Any) -> Any:
    """`get_variable`, not trained and in the collection of local variables."""
    more = {"trainable": False, "collections": [GraphKeys.LOCAL_VARIABLES]}
    return get_variable(name, *args, **(kwargs | more))


def _store(graph: Any) -> dict[str, Any]:
    held = graph.get_collection_ref("_variables_by_name")
    if not held:
        held.append({})
    return held[0]


def _checked(found: Any, name: str, shape: Any) -> Any:
    if shape is not None and not found.shape.is_compatible_with(shape):
        raise ValueError(
            f"Trying to share variable {name}, but specified shape {tf.TensorShape(shape)} and"
            f" found shape {found.shape}."
        )
    return found


def _initial(name: str, initializer: Any, shape: Any, dtype: Any) -> Any:
    """An initial value; without an initializer Glorot's for floats, zeros for other dtypes."""
    if initializer is None:
        if shape is None:
            raise ValueError(f"Shape of a new variable ({name}) must be fully defined")
        if not dtype.is_floating:
            return tf.zeros(shape, dtype)
        return _glorot_uniform(tf.TensorShape(shape).as_list(), dtype)
    if isinstance(initializer, type):
        initializer = initializer()
    if not callable(initializer):
        if shape is not None:
            raise ValueError("If initializer is a constant, do not specify shape.")
        return tf.convert_to_tensor(initializer, dtype_hint=dtype)
    return initializer() if shape is None else initializer(shape, dtype=dtype)


def _glorot_uniform(shape: Sequence[int], dtype: Any) -> Any:
    """Uniform between ``±sqrt(6 / (fan_in + fan_out))``."""
    field = list(itertools.accumulate(shape[:-2], lambda a, b: a * b, initial=1))[-1]
    fans = sum(shape[-2:]) * field if len(shape) > 1 else 2 * (shape[0] if shape else 1)
    limit = (6.0 / fans) ** 0.5
    return tf.random.uniform(shape, -limit, limit, dtype)
