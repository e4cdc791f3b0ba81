"""Signals: Fourier and cosine transforms, frames, windows, short-time transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.api.arguments import known, known_axes, known_shape, known_tuple, like
from graphc.api.shapes import meets, pad, roll
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor

# --- Fourier --------------------------------------------------------------------------------------


def _complex(name: str, rank: int, inverse: bool) -> Callable[..., Tensor]:
    def call(input: Any, name: str | None = None) -> Tensor:
        return ops.fft(convert_to_tensor(input), rank=rank, inverse=inverse)

    axes = "axis" if rank == 1 else f"{rank} axes"
    which = "Inverse Fourier" if inverse else "Fourier"
    call.__doc__ = f"{which} transform of complex numbers over the last {axes}."
    call.__name__ = call.__qualname__ = name
    return call


fft, fft2d, fft3d = (_complex(f"fft{n}", r, False) for n, r in (("", 1), ("2d", 2), ("3d", 3)))
ifft, ifft2d, ifft3d = (_complex(f"ifft{n}", r, True) for n, r in (("", 1), ("2d", 2), ("3d", 3)))


def _resized(x: Any, sizes: Any) -> Any:
    """The last axes cut or filled up with zeros to sizes."""
    lead = len(x.dims) - len(sizes)
    cuts, widths = [slice(None)] * lead, [(0, 0)] * lead
    for have, want in zip(x.dims[lead:], sizes, strict=True):
        kept = have if dims.same(have, want) else dims.minimum(have, want)
        cuts.append(slice(None) if kept == have else slice(0, kept))
        widths.append((0, want - kept))
    if any(c != slice(None) for c in cuts):
        x = ops.strided_slice(x, index=tuple(cuts))
    return ops.pad(x, paddings=tuple(widths)) if any(w != (0, 0) for w in widths) else x


def _rfft(name: str, rank: int) -> Callable[..., Tensor]:
    def call(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
        x = convert_to_tensor(input_tensor, dtype_hint=dtypes.float32)
        sizes = x.dims[-rank:] if fft_length is None else known_shape(fft_length, "fft_length")
        return ops.rfft(_resized(x, sizes), rank=rank)

    call.__doc__ = f"""Fourier transform of real numbers over the last {rank} axes.

    Of the last one only the first n // 2 + 1 places are there, which tell the others.
    ``fft_length`` are sizes to which the axes are cut or filled up with zeros first.
    """
    call.__name__ = call.__qualname__ = name
    return call


def _irfft(name: str, rank: int) -> Callable[..., Tensor]:
    def call(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
        x = convert_to_tensor(input_tensor)
        if fft_length is None:
            sizes = (*x.dims[len(x.dims) - rank : -1], (x.dims[-1] - 1) * 2)
        else:
            sizes = known_shape(fft_length, "fft_length")
        return ops.irfft(_resized(x, (*sizes[:-1], sizes[-1] // 2 + 1)), size=sizes[-1], rank=rank)

    call.__doc__ = f"""Real numbers of what `r{name[2:]}` gives: its inverse over {rank} axes.

    ``fft_length`` are the sizes of the result; the last is even if none are given.
    """
    call.__name__ = call.__qualname__ = name
    return call


rfft, rfft2d, rfft3d = _rfft("rfft", 1), _rfft("rfft2d", 2), _rfft("rfft3d", 3)
irfft, irfft2d, irfft3d = _irfft("irfft", 1), _irfft("irfft2d", 2), _irfft("irfft3d", 3)


def _over_axes(name: str, transform: Callable[[Any, Any, int], Any]) -> Callable[..., Tensor]:
    """A transform over any axes: they are moved to the end, and back."""

    def call(
        input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        if norm not in (None, "backward"):
            raise NotImplementedError("transforms over axes are scaled the usual way: norm=None")
        x = convert_to_tensor(input_tensor)
        listed = range(len(x.dims)) if axes is None else known_tuple(axes, "axes")
        last = [meets(x, a) for a in listed]
        order = [i for i in range(len(x.dims)) if i not in last] + last
        back = tuple(sorted(range(len(order)), key=order.__getitem__))
        sizes = None if fft_length is None else known_shape(fft_length, "fft_length")
        found = transform(ops.transpose(x, perm=tuple(order)), sizes, len(last))
        return ops.transpose(found, perm=back)

    call.__doc__ = f"What `{name[:-2]}` gives, over any axes (None: all), in their order."
    call.__name__ = call.__qualname__ = name
    return call


def _sized(x: Any, sizes: Any) -> Any:
    return x if sizes is None else _resized(x, sizes)


fftnd = _over_axes("fftnd", lambda x, sizes, rank: ops.fft(_sized(x, sizes), rank=rank))
ifftnd = _over_axes(
    "ifftnd", lambda x, sizes, rank: ops.fft(_sized(x, sizes), rank=rank, inverse=True)
)
rfftnd = _over_axes("rfftnd", lambda x, sizes, rank: ops.rfft(_sized(x, sizes), rank=rank))
irfftnd = _over_axes("irfftnd", lambda x, sizes, rank: _irfft("irfftnd", rank)(x, sizes))


def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """Move the frequency 0 to the middle of axes (None: all)."""
    return _shift(x, axes, lambda n: n // 2)


def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """Undo `fftshift`."""
    return _shift(x, axes, lambda n: -(n // 2))


def _shift(x: Any, axes: Any, by: Callable[[Any], Any]) -> Tensor:
    t = convert_to_tensor(x)
    found = known_axes(axes, len(t.dims))
    return roll(t, [by(t.dims[a]) for a in found], list(found))


# --- cosines --------------------------------------------------------------------------------------


def dct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: str | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Discrete cosine transform of type 1, 2, 3 or 4 over the last axis, of ``n`` places.

    ``norm`` is None or "ortho" (not for type 1).
    """
    x = convert_to_tensor(input, dtype_hint=dtypes.float32)
    if axis not in (-1, len(x.dims) - 1):
        raise NotImplementedError("dct works over the last axis")
    if norm not in (None, "ortho") or (norm and type == 1):
        raise ValueError(f"dct: norm is None or 'ortho' (not with type 1), got {norm!r}")
    if n is not None:
        x = _resized(x, known_shape(n, "n"))
    matrix = ops.cast(_cosines(type, x.dims[-1], norm), dtype=x.dtype)
    if len(x.dims) > 1:
        return ops.matmul(x, matrix)
    return ops.squeeze(ops.matmul(ops.expand_dims(x, axis=0), matrix), axis=(0,))


def _cosines(kind: int, n: Any, norm: str | None) -> Any:
    """The matrix of a cosine transform: rows are places, columns are frequencies."""
    k: Any = ops.iota(size=n, dtype=dtypes.float64)
    i: Any = ops.expand_dims(k, axis=1)
    size: Any = ops.extent(size=n, dtype=dtypes.float64)
    if kind == 1:
        ends = ops.logical_or(ops.equal(i, 0), ops.equal(i, size - 1))
        return _twice(ends) * ops.cos(np.pi * i * k / ops.maximum(size - 1, 1))
    angles = {2: (2 * i + 1) * k, 3: i * (2 * k + 1), 4: (2 * i + 1) * (2 * k + 1) / 2}
    if kind not in angles:
        raise ValueError(f"dct: types are 1, 2, 3 and 4, got {kind}")
    wave = ops.cos(np.pi / 2 * angles[kind] / size)
    matrix = _twice(ops.equal(i, 0)) * wave if kind == 3 else 2 * wave
    if norm != "ortho":
        return matrix
    first = ops.equal(k if kind == 2 else i, 0)
    share = _twice(first) / 2 if kind == 2 else 2 / _twice(first)
    return matrix * (1 if kind == 4 else ops.sqrt(share)) / ops.sqrt(2 * size)


def _twice(once: Any) -> Any:
    """1 where a condition holds, 2 elsewhere."""
    return 2 - ops.cast(once, dtype=dtypes.float64)


def idct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: str | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Inverse of `dct`, but for a factor (2n, or 2(n - 1) for type 1) without norm="ortho"."""
    if n is not None:
        raise ValueError("idct takes no n")
    return dct(input, {2: 3, 3: 2}.get(type, type), None, axis, norm)


# --- windows --------------------------------------------------------------------------------------


def _cosine_window(name: str, a: float, b: float) -> Callable[..., Tensor]:
    def call(
        window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        n, kind = int(known(window_length, "window_length")), dtypes.as_dtype(dtype)
        if n == 1:
            return convert_to_tensor(np.ones(1, kind.np))
        # an even window of a period ends one place before it would begin again
        steps = n + (1 if periodic and n % 2 == 0 else 0) - 1
        return convert_to_tensor((a - b * np.cos(2 * np.pi * np.arange(n) / steps)).astype(kind.np))

    call.__doc__ = f"{name.split('_')[0].title()}'s window."
    call.__name__ = call.__qualname__ = name
    return call


hann_window = _cosine_window("hann_window", 0.5, 0.5)
hamming_window = _cosine_window("hamming_window", 0.54, 0.46)


def kaiser_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Kaiser's window of shape ``beta``."""
    n, kind = int(known(window_length, "window_length")), dtypes.as_dtype(dtype)
    return convert_to_tensor(np.kaiser(n, known(beta, "beta")).astype(kind.np))


def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """The window whose squares overlap to 1, made of Kaiser's; its length is even."""
    half, kind = int(known(window_length, "window_length")) // 2, dtypes.as_dtype(dtype)
    sums = np.cumsum(np.kaiser(half + 1, known(beta, "beta")))
    rise = np.sqrt(sums[:-1] / sums[-1])
    return convert_to_tensor(np.concatenate([rise, rise[::-1]]).astype(kind.np))


def vorbis_window(
    window_length: Any, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Vorbis's window, whose squares overlap to 1."""
    n, kind = int(known(window_length, "window_length")), dtypes.as_dtype(dtype)
    inner = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
    return convert_to_tensor(np.sin(np.pi / 2 * inner).astype(kind.np))


# --- frames ---------------------------------------------------------------------------------------


def frame(
    signal: Any, frame_length: Any, frame_step: Any, pad_end: bool = False, pad_value: Any = 0,
    axis: int = -1, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Cut an axis into overlapping frames: it becomes [frames, frame_length].

    ``pad_end`` keeps the frames that reach beyond the end, filled up with ``pad_value``.
    """
    x = convert_to_tensor(signal)
    length, step = (int(known(v, w)) for v, w in ((frame_length, "length"), (frame_step, "step")))
    at = axis % len(x.dims)
    size: Any = x.dims[at]
    count: Any = -(-size // step) if pad_end else (size - length) // step + 1
    if not pad_end and isinstance(count, int):
        count = max(count, 0)
    if pad_end:
        missing = (count - 1) * step + length - size
        missing = max(missing, 0) if isinstance(missing, int) else missing
        widths = [[0, 0]] * at + [[0, missing]] + [[0, 0]] * (len(x.dims) - at - 1)
        x = pad(x, widths, constant_values=pad_value)
    first = ops.reshape(ops.iota(size=count), shape=(count, 1))
    places = ops.add(ops.multiply(first, step), ops.iota(size=length))
    return ops.gather(x, places, axis=at)


def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Tensor:
    """Add overlapping frames [..., frames, length] up to a signal [..., n]: undo `frame`."""
    x, step = convert_to_tensor(signal), int(known(frame_step, "frame_step"))
    *lead, count, length = x.dims
    total = (count - 1) * step + length
    first = ops.reshape(ops.iota(size=count), shape=(count, 1))
    places = ops.add(ops.multiply(first, step), ops.iota(size=length))
    zeros = ops.broadcast_to(like(0, x), shape=(*lead, total))
    return ops.scatter_add(zeros, places, x, axis=len(lead))


def _power_of_two(n: int) -> int:
    return 1 << max(n - 1, 0).bit_length()


def stft(
    signals: Any, frame_length: Any, frame_step: Any, fft_length: Any = None,
    window_fn: Callable[..., Any] | None = hann_window, pad_end: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Short-time Fourier transform: [..., frames, fft_length // 2 + 1], complex.

    ``fft_length`` is the next power of 2 from ``frame_length`` unless given.
    """
    x = convert_to_tensor(signals, dtype_hint=dtypes.float32)
    length = int(known(frame_length, "frame_length"))
    size = _power_of_two(length) if fft_length is None else int(known(fft_length, "fft_length"))
    frames = frame(x, length, frame_step, pad_end)
    if window_fn is not None:
        frames = ops.multiply(frames, window_fn(length, dtype=x.dtype))
    return rfft(frames, [size])


def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Callable[..., Any] = hann_window, name: str | None = None
) -> Callable[..., Tensor]:
    """Make the window with which `inverse_stft` gives back what `stft` was given."""
    step = int(known(frame_step, "frame_step"))

    def window(window_length: Any, dtype: Any = dtypes.float32) -> Tensor:
        n = int(known(window_length, "window_length"))
        forward: Any = forward_window_fn(n, dtype=dtype)
        overlaps = -(-n // step)
        padded = ops.pad(forward * forward, paddings=((0, overlaps * step - n),))
        squares = ops.reduce_sum(ops.reshape(padded, shape=(overlaps, step)), axis=(0,))
        return forward / ops.gather(squares, np.arange(n, dtype=np.int32) % step)

    return window


def inverse_stft(
    stfts: Any, frame_length: Any, frame_step: Any, fft_length: Any = None,
    window_fn: Callable[..., Any] | None = hann_window, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The signal of a short-time Fourier transform; see `inverse_stft_window_fn`."""
    x = convert_to_tensor(stfts)
    length = int(known(frame_length, "frame_length"))
    size = _power_of_two(length) if fft_length is None else int(known(fft_length, "fft_length"))
    frames = _resized(irfft(x, [size]), (length,))
    if window_fn is not None:
        frames = ops.multiply(frames, window_fn(length, dtype=frames.dtype))
    return overlap_and_add(frames, frame_step)


# --- hearing --------------------------------------------------------------------------------------


def linear_to_mel_weight_matrix(
    num_mel_bins: Any = 20, num_spectrogram_bins: Any = 129, sample_rate: Any = 8000,
    lower_edge_hertz: Any = 125.0, upper_edge_hertz: Any = 3800.0, dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Weights [num_spectrogram_bins, num_mel_bins] that turn spectra into the mel scale."""
    bins, rate = int(known(num_mel_bins, "bins")), float(known(sample_rate, "sample_rate"))
    count = int(known(num_spectrogram_bins, "num_spectrogram_bins"))

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)

    spectrum = mel(np.linspace(0.0, rate / 2, count)[1:])[:, None]
    edges = np.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), bins + 2)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rise, fall = (spectrum - low) / (middle - low), (high - spectrum) / (high - middle)
    weights = np.maximum(0.0, np.minimum(rise, fall))
    return convert_to_tensor(np.pad(weights, [[1, 0], [0, 0]]).astype(dtypes.as_dtype(dtype).np))


def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Tensor:
    """Cepstral coefficients of log mel spectra [..., bins]."""
    x = convert_to_tensor(log_mel_spectrograms)
    count = ops.extent(size=x.dims[-1], dtype=x.dtype)
    return ops.multiply(dct(x), ops.rsqrt(ops.multiply(count, 2.0)))
