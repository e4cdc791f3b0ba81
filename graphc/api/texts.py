"""Functions on tensors of strings; in graphs they are host steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.api.arguments import data_size, known, known_size, known_tuple, like
from graphc.api.ragged import RaggedTensor
from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def _text(value: Any, what: str = "strings") -> Tensor:
    t = convert_to_tensor(value, dtype_hint=dtypes.string)
    if t.dtype is not dtypes.string:
        raise DTypeError(f"{what} must be of dtype string, got {t.dtype.name}")
    return t


def _plain(value: Any, what: str) -> str:
    """A string that must be known while tracing."""
    if isinstance(value, str | bytes):
        return value.decode() if isinstance(value, bytes) else value
    found = known(value, what)
    return found.decode() if isinstance(found, bytes) else found


def _unit(unit: str) -> str:
    if unit not in ("BYTE", "UTF8_CHAR"):
        raise ValueError(f"unit is BYTE or UTF8_CHAR, got {unit!r}")
    return unit


# --- each string by itself ------------------------------------------------------------------------


def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """How many bytes (BYTE) or characters (UTF8_CHAR) each string has, int32."""
    return ops.string_length(_text(input), unit=_unit(unit))


def lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Make letters small: ASCII's, or all with encoding "utf-8"."""
    return ops.string_lower(_text(input), encoding=encoding)


def upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Make letters capitals: ASCII's, or all with encoding "utf-8"."""
    return ops.string_upper(_text(input), encoding=encoding)


def strip(input: Any, name: str | None = None) -> Tensor:
    """Take white space from both ends."""
    return ops.string_strip(_text(input))


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    r"""Replace what a regular expression matches; ``\1`` in ``rewrite`` is its first group."""
    texts = (_plain(v, what) for v, what in ((pattern, "pattern"), (rewrite, "rewrite")))
    pattern, rewrite = texts
    return ops.regex_replace(
        _text(input), pattern=pattern, rewrite=rewrite, replace_global=bool(replace_global)
    )


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether a regular expression matches the whole of each string."""
    return ops.regex_full_match(_text(input), pattern=_plain(pattern, "pattern"))


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """Take ``len`` bytes or characters from ``pos``; a negative one counts from the end.

    Raises ``InvalidArgumentError`` if a string does not reach to its position.
    """
    at = convert_to_tensor(pos, dtype_hint=dtypes.int32)
    return ops.substr(_text(input), at, like(len, at), unit=_unit(unit))


def to_number(input: Any, out_type: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Read numbers: float32, float64, int32 or int64."""
    return ops.string_to_number(_text(input), dtype=dtypes.as_dtype(out_type))


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False,
    width: int = -1, fill: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Write numbers as C's printf does: %f, %e (``scientific``) or %g (``shortest``)."""
    if scientific and shortest:
        raise ValueError("as_string: either scientific or shortest")
    return ops.as_string(
        convert_to_tensor(input), precision=precision, scientific=scientific, shortest=shortest,
        width=width, fill=fill,
    )  # fmt: skip


def _bucket(input: Any, num_buckets: Any, hash: str, key: tuple[int, ...] = (0, 0)) -> Tensor:
    count = int(known(num_buckets, "num_buckets"))
    if count < 1:
        raise ValueError(f"num_buckets must be positive, got {count}")
    return ops.string_bucket(_text(input), count=count, hash=hash, key=key)


def to_hash_bucket(input: Any, num_buckets: Any, name: str | None = None) -> Tensor:
    """The hash of each string modulo a number (int64); prefer `to_hash_bucket_fast`."""
    return _bucket(input, num_buckets, "murmur")


def to_hash_bucket_fast(input: Any, num_buckets: Any, name: str | None = None) -> Tensor:
    """The hash (farmhash) of each string modulo a number, int64."""
    return _bucket(input, num_buckets, "fast")


def to_hash_bucket_strong(
    input: Any, num_buckets: Any, key: Sequence[int], name: str | None = None
) -> Tensor:
    """The keyed hash (SipHash, ``key`` is two numbers) of each string modulo a number, int64."""
    return _bucket(input, num_buckets, "strong", known_tuple(key, "key"))


# --- several at once ------------------------------------------------------------------------------


def join(inputs: Sequence[Any], separator: str = "", name: str | None = None) -> Tensor:
    """Join the strings at the same places of several tensors; scalars go to every place."""
    return ops.string_join(*map(_text, inputs), separator=_plain(separator, "separator"))


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Join all strings along axes (None: all), in the order in which the axes are given."""
    axes = None if axis is None else known_tuple(axis, "axis")
    return ops.reduce_join(
        _text(inputs), axis=axes, keepdims=bool(keepdims), separator=_plain(separator, "separator")
    )


def format(
    template: str, inputs: Any = (), placeholder: str = "{}", summarize: int = 3,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Put values, as `tf.print` shows them, into the places of a text."""
    values = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    parts = template.split(placeholder)
    if len(parts) != len(values) + 1:
        raise ValueError(f"{len(parts) - 1} placeholder(s) in template, {len(values)} input(s)")
    filled: list[str | None] = [parts[0]]
    for text in parts[1:]:
        filled += [None, text]
    given = map(convert_to_tensor, values)
    return ops.string_format(*given, template=tuple(filled), summarize=summarize)


def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: str = "", name: str | None = None
) -> Tensor:
    """Join the strings of each segment; "" for none."""
    return ops.unsorted_segment_join(
        _text(inputs), convert_to_tensor(segment_ids, dtype_hint=dtypes.int32),
        count=known_size(num_segments, "num_segments"), separator=separator,
    )  # fmt: skip


def ngrams(
    data: Any, ngram_width: Any, separator: str = " ", pad_values: Any = None,
    padding_width: int | None = None, preserve_short_sequences: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Join each run of ``ngram_width`` strings (a number, or several) along the last axis.

    ``data`` is dense; ``pad_values`` (one, or one for each end) is put around it.
    """
    strings, found = _text(data), []
    for width in known_tuple(ngram_width, "ngram_width"):
        count = width - 1 if padding_width is None else min(padding_width, width - 1)
        x = strings if pad_values is None else _padded(strings, pad_values, count)
        total = x.dims[-1]
        if isinstance(total, int) and total < width:
            continue
        lead = (slice(None),) * (len(x.dims) - 1)
        columns = (
            ops.strided_slice(x, index=(*lead, slice(i, total - width + 1 + i)))
            for i in range(width)
        )
        found.append(ops.string_join(*columns, separator=separator))
    if not found and preserve_short_sequences:
        found.append(reduce_join(strings, -1, keepdims=True, separator=separator))
    if not found:
        lead = (slice(None),) * (len(strings.dims) - 1)
        return ops.strided_slice(strings, index=(*lead, slice(0, 0)))
    return ops.concat(*found, axis=-1)


def _padded(x: Tensor, pad_values: Any, count: int) -> Tensor:
    left, right = pad_values if isinstance(pad_values, list | tuple) else (pad_values,) * 2
    shape = (*x.dims[:-1], count)
    ends = (ops.broadcast_to(_text(v), shape=shape) for v in (left, right))
    first, last = ends
    return ops.concat(first, x, last, axis=-1)


# --- parts ----------------------------------------------------------------------------------------


def _parts(input: Any, how: str, sep: str = "", maxsplit: int = -1) -> Any:
    """A vector of the parts of one string; a RaggedTensor for several."""
    x = _text(input)
    flat = ops.reshape(x, shape=(dims.product(x.dims),))
    values, lengths = ops.string_parts(flat, how=how, sep=sep, maxsplit=maxsplit, size=data_size())
    if not x.dims:
        return values
    rows = RaggedTensor.from_row_lengths(values, lengths)
    for size, count in zip(x.dims[:0:-1], _products(x.dims[:-1]), strict=True):
        each = ops.broadcast_to(ops.extent(size=size, dtype=dtypes.int64), shape=(count,))
        rows = RaggedTensor.from_row_lengths(rows, each)
    return rows


def _products(sizes: Sequence[Any]) -> list[Any]:
    """The number of rows at each level, the innermost first."""
    return [dims.product(tuple(sizes[: n + 1])) for n in range(len(sizes))][::-1]


def split(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """Cut strings at ``sep``, or into words without it.

    One string gives a vector; a tensor of them a RaggedTensor, with an axis more.
    """
    return _parts(input, "separator", _plain(sep or "", "sep"), maxsplit)


def bytes_split(input: Any, name: str | None = None) -> Any:
    """Cut strings into their bytes."""
    return _parts(input, "bytes")


def unicode_split(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Cut strings into their characters."""
    utf8 = unicode_transcode(input, input_encoding, "UTF-8", errors, replacement_char)
    return _parts(utf8, "characters")


def unicode_decode(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    replace_control_characters: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Turn strings into the numbers of their characters, int32."""
    utf8 = unicode_transcode(
        input, input_encoding, "UTF-8", errors, replacement_char, replace_control_characters
    )
    parts = _parts(utf8, "characters")
    if isinstance(parts, RaggedTensor):
        return parts.with_flat_values(ops.code_points(parts.flat_values))
    return ops.code_points(parts)


def _offsets(parts: Any) -> Any:
    """Where each character begins, in bytes of its string; int64."""
    flat = parts.flat_values if isinstance(parts, RaggedTensor) else parts
    sizes = ops.cast(ops.string_length(flat), dtype=dtypes.int64)
    starts = ops.cumsum(sizes, axis=0, exclusive=True)
    if not isinstance(parts, RaggedTensor):
        return starts
    while isinstance(parts.values, RaggedTensor):
        parts = parts.values
    total = ops.concat(like([0], sizes), ops.cumsum(sizes, axis=0), axis=0)
    before = ops.gather(total, parts.row_starts(), axis=0)
    return parts.with_values(ops.subtract(starts, ops.gather(before, parts.value_rowids(), axis=0)))


def unicode_split_with_offsets(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Cut strings into their characters, and tell where in UTF-8 each begins."""
    found = unicode_split(input, input_encoding, errors, replacement_char)
    return found, _offsets(found)


def unicode_decode_with_offsets(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    replace_control_characters: bool = False, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Turn strings into the numbers of their characters, and tell where in UTF-8 each begins."""
    codes = unicode_decode(
        input, input_encoding, errors, replacement_char, replace_control_characters
    )
    return codes, _offsets(unicode_split(input, input_encoding, errors, replacement_char))


def unicode_encode(
    input: Any, output_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Turn numbers of characters (the last axis) into strings."""
    if isinstance(input, RaggedTensor):
        rows = input.with_values(_parts_of(input, output_encoding))
        return ops.unsorted_segment_join(
            rows.values, rows.value_rowids(), count=rows.row_splits.dims[0] - 1
        )
    codes = convert_to_tensor(input, dtype_hint=dtypes.int32)
    return ops.unicode_encode(codes, encoding=_encoding(output_encoding))


def _parts_of(rows: RaggedTensor, encoding: str) -> Tensor:
    """Each character as a string."""
    codes = ops.expand_dims(rows.values, axis=-1)
    return ops.unicode_encode(codes, encoding=_encoding(encoding))


def _encoding(name: str) -> str:
    known = {"UTF-8": "utf-8", "UTF-16-BE": "utf-16-be", "UTF-32-BE": "utf-32-be"}
    return known.get(name, name)


def unicode_transcode(
    input: Any, input_encoding: str, output_encoding: str, errors: str = "replace",
    replacement_char: int = 65533, replace_control_characters: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Change the encoding; ``errors`` is replace (by ``replacement_char``), ignore or strict."""
    if errors not in ("replace", "ignore", "strict"):
        raise ValueError(f"errors is replace, ignore or strict, got {errors!r}")
    return ops.unicode_transcode(
        _text(input), source=_encoding(input_encoding), target=_encoding(output_encoding),
        errors=errors, replacement=replacement_char, control=replace_control_characters,
    )  # fmt: skip


def fingerprint(data: Any, method: str = "farmhash64", name: str | None = None) -> Tensor:
    """The fingerprint of each row of ``data``, as uint8 [rows, 8]."""
    if method != "farmhash64":
        raise InvalidArgumentError(f"fingerprint: the method is farmhash64, got {method!r}")
    return ops.fingerprint(convert_to_tensor(data))
