"""Functions of square matrices and general decompositions: LAPACK's, by way of numpy and scipy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError, UnimplementedError
from graphc.ir import dims, dtypes
from graphc.ir.types import TensorType
from graphc.ops.combinators import op, ops, rng
from graphc.ops.linalg import (
    LAPACK,
    SLOW,
    adjoint,
    gaps,
    positive,
    square,
    squares,
    triangle,
)
from graphc.ops.opdef import Attrs, Sample, Types


def _each(fn: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], np.ndarray]:
    """A function of one matrix on all matrices of an array."""

    def run(x: np.ndarray) -> np.ndarray:
        out = np.empty_like(x)
        for place in np.ndindex(x.shape[:-2]):
            out[place] = np.asarray(fn(x[place])).astype(x.dtype)
        return out

    return run


# --- determinants ---------------------------------------------------------------------------------


def _slogdet_type(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    x = square("slogdet", types[0])
    one = x.with_shape(x.shape[:-2])
    return one, one


def _slogdet(x: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(v, x.dtype) for v in np.linalg.slogdet(x))


def _slogdet_grad(c: Any, _: Any, g: Any) -> Any:
    """The sign does not move."""
    return ops.reshape(g, shape=(*g.dims, 1, 1)) * adjoint(ops.inverse(c.x))


slogdet = op(
    "slogdet", "x", _slogdet_type, _slogdet, many=True, types=LAPACK, grad=_slogdet_grad,
    samples=squares(), doc="Sign of the determinant and logarithm of its absolute value.", **SLOW,
)  # fmt: skip

# --- functions of matrices ------------------------------------------------------------------------


def _expm(x: np.ndarray) -> np.ndarray:
    import scipy.linalg  # lazy: start-up time

    return np.asarray(scipy.linalg.expm(x), x.dtype)


def _expm_grad(c: Any, g: Any) -> Any:
    """The corner of the exponential of a matrix of blocks (Najfeld and Havel 1995)."""
    n, rank = c.x.dims[-1], len(c.x.dims)
    a = adjoint(c.x)
    top = ops.concat(a, g, axis=rank - 1)
    bottom = ops.concat(ops.zeros_like(a), a, axis=rank - 1)
    whole = ops.expm(ops.concat(top, bottom, axis=rank - 2))
    lead = (slice(None),) * (rank - 2)
    return ops.strided_slice(whole, index=(*lead, slice(0, n), slice(n, 2 * n)))


expm = op("expm", "x", lambda types, attrs: square("expm", types[0]), _expm, types=LAPACK,
          grad=_expm_grad, doc="Exponential of square matrices.", **SLOW,
          samples=lambda: [Sample((rng().normal(size=s).astype("f4"),))
                           for s in ((2, 2), (2, 3, 3))])  # fmt: skip


def _sqrtm(x: np.ndarray) -> Any:
    import scipy.linalg  # lazy: start-up time

    root = scipy.linalg.sqrtm(x)
    if np.iscomplexobj(root) and not np.iscomplexobj(x) and np.abs(root.imag).max(initial=0) > 1e-6:
        raise InvalidArgumentError("sqrtm: a real matrix has no real square root; use complex ones")
    return root if np.iscomplexobj(x) else root.real


def _kron(a: Any, b: Any) -> Any:
    """Kronecker products of batches of square matrices."""
    lead, (m, n) = a.dims[:-2], (a.dims[-1], b.dims[-1])
    left = ops.reshape(a, shape=(*lead, m, 1, m, 1))
    right = ops.reshape(b, shape=(*lead, 1, n, 1, n))
    return ops.reshape(left * right, shape=(*lead, m * n, m * n))


def _sqrtm_grad(c: Any, g: Any) -> Any:
    """S in ``p S + S p = g`` for the adjoint p of the root."""
    p, lead, n = adjoint(c.out), g.dims[:-2], g.dims[-1]
    one = ops.equal(ops.reshape(ops.iota(size=n), shape=(n, 1)), ops.iota(size=n))
    one = ops.broadcast_to(ops.cast(one, dtype=g.dtype), shape=p.dims)
    turned = ops.transpose(p, perm=(*range(len(lead)), len(lead) + 1, len(lead)))
    system = _kron(p, one) + _kron(one, turned)
    found = ops.solve(system, ops.reshape(g, shape=(*lead, n * n, 1)))
    return ops.reshape(found, shape=g.dims)


sqrtm = op("sqrtm", "x", lambda types, attrs: square("sqrtm", types[0]), _each(_sqrtm),
           types=LAPACK, grad=_sqrtm_grad, samples=squares(), doc="Square root of square matrices.",
           **SLOW)  # fmt: skip


def _logm(x: np.ndarray) -> Any:
    import scipy.linalg  # lazy: start-up time

    return scipy.linalg.logm(x.astype(np.complex128))


logm = op("logm", "x", lambda types, attrs: square("logm", types[0]), _each(_logm),
          types=dtypes.COMPLEXES, grad="TensorFlow has none",
          samples=lambda: [Sample((positive().astype("c8"),), grad=False)],
          doc="Logarithm of complex square matrices.", **SLOW)  # fmt: skip

# --- LU -------------------------------------------------------------------------------------------


def _lu_type(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    x = square("lu", types[0])
    return x, TensorType(attrs["output_idx_type"], x.shape[:-1])


def _lu(x: np.ndarray, output_idx_type: Any = dtypes.int32) -> tuple[np.ndarray, np.ndarray]:
    import scipy.linalg  # lazy: start-up time

    out, order = np.empty_like(x), np.empty(x.shape[:-1], output_idx_type.np)
    for place in np.ndindex(x.shape[:-2]):
        out[place], swaps = scipy.linalg.lu_factor(x[place])
        rows = np.arange(len(swaps))
        for i, j in enumerate(swaps):
            rows[i], rows[j] = rows[j], rows[i]
        order[place] = rows
    return out, order


def _lu_grad(c: Any, g: Any, _: Any) -> Any:
    """As of two triangular factors; then the rows go back to their places."""
    both, order = c.outputs
    strict = triangle(both, strict=True)
    upper = both - strict
    one = ops.ones_like(ops.diag_part(both))
    lower = strict + ops.diag(one)
    by_lower = triangle(ops.matmul(adjoint(lower), g), strict=True)
    by_upper = ops.matmul(g, adjoint(upper))
    by_upper = by_upper - triangle(by_upper, strict=True)
    inner = ops.matmul(adjoint(ops.inverse(lower)), by_lower + by_upper)
    whole = ops.matmul(inner, adjoint(ops.inverse(upper)))
    last = len(order.dims) - 1
    return ops.gather(whole, ops.argsort(order, axis=last), axis=last, batch_dims=last)


lu = op(
    "lu", "x", _lu_type, _lu, many=True, attrs={"output_idx_type": dtypes.int32}, types=LAPACK,
    grad=_lu_grad, samples=lambda: [Sample((positive(*lead)[..., ::-1, :].copy(),))
                                    for lead in ((), (2,))],
    doc="Lower and upper triangular factor in one matrix, and the order of the rows.", **SLOW,
)  # fmt: skip

# --- eigenvalues of any matrix --------------------------------------------------------------------

_COMPLEX = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}


def _eig_type(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    x = square("eig", types[0])
    x = x.with_dtype(_COMPLEX.get(x.dtype, x.dtype))
    return x.with_shape(x.shape[:-1]), x


def _eig(x: np.ndarray) -> tuple[np.ndarray, ...]:
    kind = np.complex64 if x.dtype in (np.float32, np.complex64) else np.complex128
    return tuple(np.asarray(v, kind) for v in np.linalg.eig(x))


def _eig_grad(c: Any, by_values: Any, by_vectors: Any) -> Any:
    """The vectors have norm 1 (Boeddeker et al. 2017, eq. 4.77)."""
    values, vectors = c.outputs
    turned = adjoint(vectors)
    inner = ops.matmul(turned, by_vectors)
    norm = ops.cast(ops.real(ops.diag_part(inner)), dtype=vectors.dtype)
    scaled = vectors * ops.expand_dims(norm, axis=len(norm.dims) - 1)
    inner = ops.conj(gaps(values)) * (inner - ops.matmul(turned, scaled))
    whole = ops.solve(turned, ops.matmul(ops.diag(by_values) + inner, turned))
    return ops.cast(whole, dtype=c.x.dtype)


eig = op("eig", "x", _eig_type, _eig, many=True, types=LAPACK, grad=_eig_grad,
         samples=squares(grad=False), doc="Eigenvalues and eigenvectors (columns) of any square "
         "matrices, as complex numbers.", **SLOW)  # fmt: skip

# --- three diagonals ------------------------------------------------------------------------------


def _tridiagonal_type(types: Types, attrs: Attrs) -> TensorType:
    bands, b = types
    n = bands.shape[-1] if bands.rank >= 2 else 0
    fits = bands.rank == b.rank and bands.rank >= 2 and dims.assume_equal(bands.shape[-2], 3)
    if not fits or not dims.assume_equal(n, b.shape[-2]):
        raise InvalidArgumentError(f"tridiagonal_solve: {bands} are no three diagonals for {b}")
    return b


def _tridiagonal(bands: np.ndarray, b: np.ndarray) -> np.ndarray:
    import scipy.linalg  # lazy: start-up time

    out = np.empty_like(b)
    for place in np.ndindex(b.shape[:-2]):
        above, middle, below = bands[place]
        held = np.stack([np.roll(above, 1), middle, np.roll(below, -1)])
        out[place] = scipy.linalg.solve_banded((1, 1), held, b[place])
    return out


def _shifted(x: Any, by: int, axis: int) -> Any:
    """Moved along an axis; zeros come in."""
    lead, n = (slice(None),) * axis, x.dims[axis]
    kept = slice(0, n - by) if by > 0 else slice(-by, n)
    place = slice(by, n) if by > 0 else slice(0, n + by)
    part = ops.strided_slice(x, index=(*lead, kept))
    return ops.strided_slice_grad(part, index=(*lead, place), shape=x.dims)


def _tridiagonal_grad(c: Any, g: Any) -> tuple[Any, Any]:
    """The adjoint system has the outer diagonals exchanged."""
    if c.b.dtype.is_complex:
        raise UnimplementedError("tridiagonal_solve has a gradient for real numbers only")
    axis = len(g.dims) - 2
    lead = (slice(None),) * axis
    above, middle, below = (ops.strided_slice(c.bands, index=(*lead, i)) for i in range(3))
    at = len(above.dims) - 1
    swapped = ops.stack(_shifted(below, -1, at), middle, _shifted(above, 1, at), axis=axis)
    by_b = ops.tridiagonal_solve(swapped, g)
    x = c.out
    rows = (ops.reduce_sum(by_b * part, axis=(axis + 1,))
            for part in (_shifted(x, -1, axis), x, _shifted(x, 1, axis)))  # fmt: skip
    return -ops.stack(*rows, axis=axis), by_b


def _tridiagonals() -> list[Sample]:
    g = rng()
    bands = g.uniform(0.5, 1, (3, 4)).astype("f4") + np.array([[0], [3], [0]], "f4")
    bands[0, -1] = bands[2, 0] = 0
    return [Sample((bands, g.normal(size=(4, 2)).astype("f4")))]


tridiagonal_solve = op(
    "tridiagonal_solve", "bands b", _tridiagonal_type, _tridiagonal, types=LAPACK,
    grad=_tridiagonal_grad, samples=_tridiagonals, **SLOW,
    doc="x in a x = b for the diagonals [.., 3, n] above, on and below the middle of a.",
)  # fmt: skip
