"""How a matrix product is covered with tiles (see `tiles`), for the registers of this machine."""

from __future__ import annotations

from functools import cache

from graphc.ir.dims import DimLike


@cache
def register() -> tuple[int, int]:
    """How many bytes a vector register of this machine has, and how many of them there are."""
    import llvmlite.binding as llvm  # lazy: start-up time

    found = llvm.get_host_cpu_features()
    if found.get("avx512f"):
        return 64, 32
    return (32, 16) if found.get("avx2") else (16, 32 if "aarch64" in _triple() else 16)


def _triple() -> str:
    import llvmlite.binding as llvm  # lazy: start-up time

    return llvm.get_default_triple()


def lanes(short: str) -> int:
    """Elements of one vector."""
    return register()[0] // (4 if short == "f32" else 8)


def most_rows(vectors: int) -> int:
    """The rows of a tile that leave registers for B and for one element of A."""
    return min((register()[1] - vectors - 1) // vectors, 14)


_ROWS = """skip = max(ti + {r} - rows, i64(0))  # the last tile does some rows again
at = ti - skip
tile_{t}({r}, {v}, a + at * am, am, ak, offsets, runs, length, {b}, {bk},
         c + at * cm + tj * {size}, cm, {last}, more, skip)
ti += {r}"""


def tiled(short: str, m: DimLike | None, n: DimLike, packed: bool = False) -> str:
    """Lines for C = A B or C + A B, of m rows and n columns, by tiles (m is None if it varies).

    They use the names of `PARAMETERS` up to cm, and rows, columns, more; and depth, the number of
    rows of B, if B was made by `packing`.
    """
    lines, size = [], bytes_of(short)
    for loop, vectors, last in _panels(short, m, n):
        sizes = row_sizes(m, vectors)
        b, bk = f"b + tj * {size}", "bk"
        if packed:
            b, bk = f"b + tj * depth * {size}", f"i64({vectors * lanes(short) * size})"
        lines += [loop, "    ti = i64(0)", "    while ti < rows:"]
        for r in sizes:
            if len(sizes) > 1:
                lines.append(" " * 8 + (f"{'el' * (r != sizes[0])}if rows >= {r}:"))
            depth = " " * (12 if len(sizes) > 1 else 8)
            text = _ROWS.format(r=r, v=vectors, last=last, t=short, size=size, b=b, bk=bk)
            lines += [depth + line for line in text.splitlines()]
    return "\n".join(lines) or "pass"


def packing(short: str, lines: str) -> str:
    """Lines that write B for `tiled` to ``new`` from place ``to``, panel by panel.

    ``lines`` write one panel of ``wide`` columns, of which the first ``filled`` are B's from column
    ``tj`` on, and move ``to`` behind it.  ``panel`` is what `panel_columns` says.
    """
    one = lanes(short)
    found = ["for tj in range(i64(0), columns, panel):"]
    found.append(f"    wide = min(panel, (columns - tj + {one - 1}) // {one} * {one})")
    found.append("    filled = min(columns - tj, wide)")
    return "\n".join([*found, *("    " + line for line in lines.splitlines())])


def panel_columns(short: str, m: DimLike | None, n: DimLike) -> int:
    """How many columns the widest tiles of `tiled` have."""
    return _vectors(short, m, n) * lanes(short)


def packed_row(short: str, element: str) -> str:
    """Lines that write a row of a panel; ``element`` is the one at column ``tj + e``."""
    return f"""for e in range(filled):
    new[to + e] = {element}
for e in range(filled, wide):
    new[to + e] = {short}(0)
to += wide"""


def packed_columns(short: str, n: DimLike) -> DimLike:
    """How many columns B has then."""
    return -(-n // lanes(short)) * lanes(short)


def row_sizes(m: DimLike | None, vectors: int) -> list[int]:
    """Rows of the tiles that cover m rows, the tallest first; m rows are no less than the last."""
    most = most_rows(vectors)
    if isinstance(m, int) and m > 0:
        return [-(-m // -(-m // most))]
    return [most, 4, 1]


def _panels(short: str, m: DimLike | None, n: DimLike) -> list[tuple[str, int, str]]:
    """Loops over the columns: the line, the vectors of a tile, the columns of its last vector.

    Sizes are not in the text, so that products of other sizes use the same kernel.
    """
    one = lanes(short)
    loop = "for tj in range({}, {}, {}):".format
    if not isinstance(n, int):
        whole, wide = f"columns // {2 * one} * {2 * one}", 2 * one
        few = f"columns if columns % {wide} <= {one} else i64(0)"
        return [
            (loop("i64(0)", whole, wide), 2, f"i64({one})"),
            (loop(whole, f"columns - {one}", wide), 2, f"columns - tj - {one}"),
            (loop(whole, few, wide), 1, "columns - tj"),
        ]
    best = _vectors(short, m, n)
    wide = best * one
    rest, found, whole = n % wide, [], f"columns // {wide} * {wide}"
    if n >= wide:
        found.append((loop("i64(0)", whole, wide), best, f"i64({one})"))
    if rest:
        vectors = -(-rest // one)
        found.append(
            (loop(whole, "columns", wide), vectors, f"columns - tj - {(vectors - 1) * one}")
        )
    return found


def _vectors(short: str, m: DimLike | None, n: DimLike) -> int:
    """The vectors of a tile that cover a matrix best."""
    if not isinstance(n, int):
        return 2
    return min(range(1, 5), key=lambda v: (_cost(short, m, n, v), -v))


def _cost(short: str, m: DimLike | None, n: int, vectors: int) -> float:
    """Cycles for each k of covering a matrix: two products or three loads from the second cache
    take one, and products that depend on each other four."""
    rows = m if isinstance(m, int) and m > 0 else 10 * most_rows(vectors)
    wide, total = vectors * lanes(short), 0.0
    for v, count in ((vectors, n // wide), (-(-(n % wide) // lanes(short)), 1)):
        if v and count:
            r = row_sizes(rows, v)[0]
            total += count * -(-rows // r) * max(r * v / 2, 4, 2.5 * v)
    return total


def bytes_of(short: str) -> int:
    return 4 if short == "f32" else 8
