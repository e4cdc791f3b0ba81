"""Random programs on floats whose results can be differentiated."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.autograph.programs import NAMES, Kind, Writer

HEADER = 'tf = __import__("graphc")\n'


class Smooth(Writer):
    """Programs of floats `x` and `y`, bounded so that they do not overflow, and an int `n`."""

    def number(self, depth: int = 2) -> str:
        if depth == 0 or self.pick(True, False, False):
            return self.pick(*NAMES, *NAMES, "x", "y", "w[0]", "0.5", "1.5", "-0.75")
        left, right = self.number(depth - 1), self.number(depth - 1)
        return self.pick(
            f"({left} {self.pick('+', '-')} {right})",
            f"tf.sin({left}) * {right}",
            f"tf.tanh({left} * {right})",
            f"({left} if {self.test(depth - 1)} else {right})",
            f"{self.pick('tf.maximum', 'tf.minimum')}({left}, {right})",
            f"tf.where({left} < {right}, {left} * 0.5, {right})",
            f"({self.pick(*NAMES)} := {left})",
            f"helper({left}, {right})",
            f"tf.reduce_sum(tf.stack([{left}, {right}]) * w)",
        )

    def _assign(self, depth: int, loop: bool) -> list[str]:
        return super()._assign(depth, loop) if self.pick(True, True, False) else ["w = w * a"]

    def _add(self, depth: int, loop: bool) -> list[str]:
        return [f"{self.pick(*NAMES)} {self.pick('+=', '-=', '*=')} tf.sin({self.number(1)})"]

    def _return(self, depth: int, loop: bool) -> list[str]:
        line = f"return {self.number(1)}, {self.pick(*NAMES)}, {self.pick('a', 'x')}, 1.0"
        return [f"if {self.test()}:", f"    {line}"]

    def _for(self, depth: int, loop: bool) -> list[str]:
        self.loops += 1
        i, name = f"i{self.loops}", self.pick(*NAMES)
        head, step = self.pick(
            (f"for {i} in range(3):", f"tf.cast({i}, tf.float32) * 0.25"),
            (f"for {i} in range(n % 4):", f"0.5 * {name}"),
            (f"for {i} in tf.range(n, 4):", f"tf.cast({i}, tf.float32) * x"),
            (f"for {i} in w:", i),
            (f"for j, {i} in enumerate(w):", f"{i} * y"),
            (f"for {i}, j in zip(w, [x, y]):", f"{i} * j"),
            (f"for {i} in tf.range(4, 0, -2):", "1.0"),
        )
        return [head, f"    {name} += tf.sin({step})", *self.block(depth - 1, True)]

    def _while(self, depth: int, loop: bool) -> list[str]:
        return [line.replace("x % 3", "n") for line in super()._while(depth, loop)]

    def _finally(self, depth: int, loop: bool) -> list[str]:
        return self._ifelse(depth, loop)

    def program(self) -> str:
        head = ["def program(x, y, w, n):"]
        head += [f"    {name} = {self.pick('x', 'y', f'tf.constant({i}.5)')}"
                 for i, name in enumerate(NAMES)]  # fmt: skip
        body = [line for _ in range(2) for line in self.block(self.kind.depth, False)]
        return HEADER + "\n".join([*head, *body, "    return a, b, c, d"]) + "\n"


def smooth_programs(depth: int) -> st.SearchStrategy[str]:
    """Programs from a seed."""
    make = lambda seed, at: Smooth(seed, Kind(depth=at)).program()  # noqa: E731
    return st.builds(make, st.integers(0, 2**32), st.integers(1, depth))
