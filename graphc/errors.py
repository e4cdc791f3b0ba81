"""Every exception a graphc user can meet; the docstring of a class is its manual page."""

from __future__ import annotations


class GraphcError(Exception):
    """Something graphc refuses; all of graphc's own exceptions derive from this class."""


# TensorFlow's numbers of what went wrong.
(
    OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS,
    PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE,
    UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED,
) = range(17)  # fmt: skip


class OpError(GraphcError):
    """An operation failed; ``message`` says what was expected and what came.

    Users may raise it in TensorFlow's way, ``(node_def, op, message)``, or with a message only.
    """

    error_code = UNKNOWN
    node_def: object = None
    op: object = None

    def __init__(self, *args: object) -> None:
        if len(args) >= 3:
            self.node_def, self.op, *args = args  # type: ignore[assignment]
        super().__init__(*args[:1])

    @property
    def message(self) -> str:
        return str(self.args[0]) if self.args else ""


class InvalidArgumentError(OpError, ValueError):
    """An operation received a value it cannot work with (TF: ``tf.errors.InvalidArgumentError``).

    Typical causes: shapes that do not broadcast, inner dimensions of a matmul that differ, an index
    out of range, a non-finite number where a check asked for finite ones.
    """

    error_code = INVALID_ARGUMENT


class DTypeError(InvalidArgumentError, TypeError):
    """Two operands of one operation have different dtypes, or the operation does not know a dtype.

    graphc follows TensorFlow's rule: tensors are never promoted silently.  Python numbers are
    weak and take the tensor's dtype.  Remedy: ``tf.cast(x, dtype)``.
    """


class NotFoundError(OpError):
    """A file or a resource that an operation needs is not there."""

    error_code = NOT_FOUND


class DataLossError(OpError):
    """A file is damaged: its checksums are wrong, or it ends too early."""

    error_code = DATA_LOSS


class FailedPreconditionError(OpError):
    """Something is not in the state that an operation needs: a table without entries, a Variable
    without a value in a session.
    """

    error_code = FAILED_PRECONDITION


class AlreadyExistsError(OpError):
    """What an operation is to create is there already, and may not be written over."""

    error_code = ALREADY_EXISTS


class OutOfRangeError(OpError):
    """An iterator was read past its end."""

    error_code = OUT_OF_RANGE


class UnimplementedError(OpError, NotImplementedError):
    """A combination of arguments that graphc does not implement; the message names another."""

    error_code = UNIMPLEMENTED


class PermissionDeniedError(OpError):
    """A file may not be read or written."""

    error_code = PERMISSION_DENIED


class ResourceExhaustedError(OpError):
    """Memory or space is used up."""

    error_code = RESOURCE_EXHAUSTED


class CancelledError(OpError):
    """An operation was called off."""

    error_code = CANCELLED


class AbortedError(OpError):
    """An operation was given up because of another one."""

    error_code = ABORTED


class InternalError(OpError):
    """Something that cannot be has happened."""

    error_code = INTERNAL


class UnknownError(OpError):
    """An operation failed for a reason of its own: an exception of a Python function."""


class UnavailableError(OpError):
    """A service cannot be reached now."""

    error_code = UNAVAILABLE


class UnauthenticatedError(OpError):
    """A service does not know who asks."""

    error_code = UNAUTHENTICATED


class DeadlineExceededError(OpError):
    """An operation took longer than it was given."""

    error_code = DEADLINE_EXCEEDED


class SymbolicValueError(GraphcError, TypeError):
    """A symbolic tensor was used where Python needs a value (``bool``, ``int``, iteration).

    Inside a ``@function`` tensors have no value while the function is traced.  AutoGraph stages
    ``if``, ``while`` and ``for`` on tensors; code that AutoGraph did not convert (marked
    ``do_not_convert``, or whose source cannot be found) cannot branch on a tensor.
    """


OperatorNotAllowedInGraphError = SymbolicValueError  # TensorFlow's name


class EscapedTensorError(GraphcError, TypeError):
    """A symbolic tensor was used after the trace that made it had ended.

    Typical cause: a tensor of a ``@function`` was kept in a global, an attribute or a list and used
    outside.  Remedy: return it from the function, or keep it in a ``Variable``.
    """


class UndefinedNameError(GraphcError, UnboundLocalError):
    """A name is used that is not defined on every path that leads there."""


class StagingError(GraphcError):
    """A Python construct on tensors cannot be staged into the graph; the message says why."""


class LoopCarryError(StagingError, TypeError):
    """A loop variable changes its dtype or structure from one iteration to the next."""


class BranchMismatchError(StagingError, TypeError):
    """The two branches of a staged ``if`` give one name values of different dtype or structure."""


class SourceNotFoundError(GraphcError, OSError):
    """The source code of a function cannot be found, so AutoGraph cannot convert it."""


class RetraceWarning(UserWarning):
    """A ``@function`` is traced again and again; the message names the argument that changed."""


class FallbackWarning(UserWarning):
    """Something could not be compiled and runs in a slower way; says what, where and why."""


class CacheWarning(UserWarning):
    """The kernel cache cannot be used; kernels are compiled again in every process."""


class VerifyError(GraphcError):
    """A graph breaks a rule of the IR: a bug in graphc or in a hand-written graph."""


class ParseError(GraphcError, ValueError):
    """Text is not a graph in graphc's IR; the message gives line and column."""
