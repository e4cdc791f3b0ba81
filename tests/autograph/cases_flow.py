"""Functions of branches and loops that conversion must not change."""

from __future__ import annotations

from dataclasses import dataclass

# ruff: noqa: B007, B020, F841, SIM300


@dataclass
class Point:
    x: float
    y: float = 2.0


def sign(x):
    if x > 0:
        return 1
    elif x < 0:
        return -1
    return 0


def elif_chain(x):
    if x == 0:
        y = "a"
    elif x == 1:
        y = "b"
    elif x == 2:
        y = "c"
    else:
        y = "d"
    return y + "!"


def collatz(x):
    n = 0
    while x > 1:
        if x % 2 == 0:
            x = x // 2
        else:
            x = 3 * x + 1
        n += 1
    return n


def break_continue_return(x):
    total = 0
    for i in range(20):
        if i % 3 == 0:
            continue
        if i == 2 * x:
            break
        if total > 40 + x:
            return -total
        total += i
    return total, i


def nested_loops(x):
    found = None
    for i in range(5):
        for j in range(5):
            if i * j == x:
                found = (i, j)
                break
        else:
            continue
        break
    return found


def while_else(x):
    while x < 10:
        x += 3
        if x == 7:
            break
    else:
        return "end", x
    return "broke", x


def for_else_assigns(x):
    for i in range(x):
        if i == 3:
            word = "three"
            break
    else:
        word = "none"
        i = -1
    return word, i


def while_true(x):
    n = 0
    while True:
        n += x + 1
        if n > 20:
            return n
        if n == 15:
            break
    return "fifteen"


def return_from_the_middle(x):
    for a in range(3):
        b = 0
        while True:
            b += 1
            if a * b > x:
                return a, b
            if b > 5:
                break
    return "none"


def tuples(x):
    a, (b, *c) = x, (x + 1, x + 2, x + 3)
    if x:
        a, b = b, a
        c[0], d = d0, *_ = (7, 8)
    return a, b, c


def undefined_then_used(x):
    if x > 0:
        y = x
    return y


def undefined_in_loop(x):
    for i in range(x):
        last = i
    return last


def deleted(x):
    y = 1
    if x:
        del y
    return y


def deleted_and_set(x):
    y = 1
    if x > 1:
        del y
        y = 3
    elif x == 1:
        y += 1
        del y
    try:
        return y
    except UnboundLocalError:
        return "gone"


def walrus(x):
    if (y := x * 2) > 3:
        y += 1
    while (z := y + 1) < 10:
        y = z
    return x, y, z


def walrus_in_comprehension(x):
    total = 0
    kept = [total := total + v for v in range(x)]
    if total > 3:
        total = -total
    return kept, total


def annotated(x):
    y: int = 1
    z: float
    if x > 1:
        y: int = 5
        z = 2.0
    else:
        z: float = 1.0
    return y, z


def chained(x):
    seen = []

    def f(v):
        seen.append(v)
        return v

    inside = 0 < f(x) < 3 <= f(3) != f(4)
    return inside, seen, 1 if 0 <= f(x) else 2


def ternaries(x):
    return "a" if x == 0 else ("b" if x == 1 else "c" if x == 2 else "d")


def short_circuit(x):
    log = []

    def f(v):
        log.append(v)
        return v

    r = (f(x) and f(2)) or f(0) or (not f(3)) or None
    return r, log, x in (1, 2) and x not in [1], x is None or x


def static_match(x):
    match x:
        case 0 | 1:
            return "small"
        case int(n) if n > 3:
            y = ("big", n)
        case _:
            y = "other"
    return y


def match_structure(x):
    out = []
    for value in [(x, 1), {"k": x}, Point(x), "s", [1, 2, x], None]:
        match value:
            case (a, b):
                out.append(a + b)
            case {"k": k, **rest}:
                out.append((k, rest))
            case Point(x=px, y=py):
                out.append(px * py)
            case [first, *others] if others:
                out.append(others)
            case None:
                break
            case str() as s:
                out.append(s)
                continue
        out.append("|")
    return out


def comprehensions(x):
    xs = [i if i > 1 else -i for i in range(x) if i != 2]
    d = {k: (k and 1) for k in xs}
    s = {abs(k) for k in xs}
    return xs, d, s, sum(v for v in xs), any(v > 2 for v in xs), max(xs, default=None)


def loop_variable_lives_on(x):
    for i in range(x + 1):
        pass
    return i


def loop_over_changing_name(x):
    items = [1, 2, 3]
    for v in items:
        items = items + [v * x]
        if len(items) > 5:
            v = 0
    return items, v


def unpacking_loop(x):
    t = []
    for (a, b), *c in [((1, 2), 3), ((x, 4), 5, 6)]:
        t += [a * b, c]
    return t


def del_in_loop(x):
    d = dict.fromkeys(range(5))
    for i in range(x):
        del d[i]
        tmp = i
        del tmp
    return d


def dead_code(x):
    if x:
        return 1
        x = 2
    else:
        return 3
    return 4


def ag(x):
    ag = x
    if ag > 1:
        ag += 1
    return ag


def fib_tuple(x):
    a, b = 0, 1
    while x > 0:
        a, b, x = b, a + b, x - 1
    return a


def pass_only(x):
    if x:
        pass
    for _ in []:
        pass
    while False:
        pass


def swap_in_branches(x):
    a, b = x, 5
    if a > b:
        a, b = b, a
    elif a == b:
        return "same"
    for a in range(a, b):
        if a % 4 == 3:
            b = a
            continue
        b -= 1
    return a, b


FUNCTIONS = [
    sign, elif_chain, collatz, break_continue_return, nested_loops, while_else, for_else_assigns,
    while_true, return_from_the_middle, tuples, undefined_then_used, undefined_in_loop, deleted,
    deleted_and_set, walrus, walrus_in_comprehension, annotated, chained, ternaries,
    short_circuit, static_match, match_structure, comprehensions, loop_variable_lives_on,
    loop_over_changing_name, unpacking_loop, del_in_loop, dead_code, ag, fib_tuple, pass_only,
    swap_in_branches,
]  # fmt: skip
