"""Tokens of the IR's text, and the literals of attributes."""

from __future__ import annotations

import base64
import json
import re
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from graphc.errors import ParseError
from graphc.ir import dims, dtypes
from graphc.ir.literals import CONSTANTS
from graphc.ir.types import Shape, TensorType

_TOKENS = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[^\W\d][\w]*(?:\.[\w]+)*)
      | (?P<mark>[%@(){}\[\],:=+*-])""",
    re.VERBOSE,
)
_NAME = re.compile(r"[A-Za-z0-9_][\w.]*")
_OPERATOR = re.compile(r" *[*+-]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number, string or mark and where it starts."""

    kind: str
    text: str
    at: int


class Lexer:
    """The tokens of a text, one after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.token = Token("", "", 0)
        self.end = 0  # of the token before
        self._advance()

    def _advance(self) -> None:
        while True:
            found = _TOKENS.match(self.text, self.position)
            if found is None:
                if self.position < len(self.text):
                    self._fail(f"unexpected {self.text[self.position]!r}", self.position)
                self.token = Token("end", "", self.position)
                return
            start, self.position = self.position, found.end()
            if found.lastgroup != "space":
                self.token = Token(found.lastgroup or "", found.group(), start)
                return

    def place(self, at: int) -> tuple[int, int]:
        """Line and column, both from 1."""
        before = self.text[:at]
        return before.count("\n") + 1, at - before.rfind("\n")

    def _fail(self, message: str, at: int) -> NoReturn:
        line, column = self.place(at)
        shown = self.text.split("\n")[line - 1]
        caret = " " * (column - 1) + "^"
        raise ParseError(f"line {line}, column {column}: {message}\n  {shown}\n  {caret}")

    def fail(self, message: str, token: Token | None = None) -> NoReturn:
        """Raise `ParseError` at a token, the next one if none is given."""
        self._fail(message, (token or self.token).at)

    # --- single tokens ---

    def next(self) -> Token:
        token = self.token
        self.end = self.position
        self._advance()
        return token

    def accept(self, text: str) -> bool:
        """Whether the next token is this mark or word, which is then read."""
        if self.token.text == text and self.token.kind in ("mark", "word"):
            self.next()
            return True
        return False

    def expect(self, text: str) -> Token:
        if self.token.text != text or self.token.kind == "string":
            self.fail(f"expected {text!r}, found {self.token.text or 'the end'!r}")
        return self.next()

    def take(self, kind: str, what: str) -> Token:
        if self.token.kind != kind:
            self.fail(f"expected {what}, found {self.token.text or 'the end'!r}")
        return self.next()

    def string(self) -> str:
        token = self.take("string", "a string")
        try:
            return json.loads(token.text)
        except ValueError as error:
            self.fail(f"not a string: {error}", token)

    def integer(self) -> int:
        token = self.take("number", "an integer")
        if not token.text.isdigit():
            self.fail("expected an integer", token)
        return int(token.text)

    def on_same_line(self) -> bool:
        """Whether the next token stands on the line of the one before."""
        return "\n" not in self.text[self.end : self.token.at]

    def name(self) -> str:
        """A name after ``%`` or ``@``: plain (also ``1`` and ``h.2``) or quoted."""
        if self.token.kind == "string":
            return self.string()
        found = _NAME.match(self.text, self.token.at)
        if found is None or self.token.kind not in ("word", "number"):
            self.fail(f"expected a name, found {self.token.text or 'the end'!r}")
        self.position = self.end = found.end()
        self._advance()
        return found.group()

    # --- types and literals ---

    def type(self) -> TensorType:
        token = self.take("word", "a type")
        dtype = dtypes.BY_SHORT.get(token.text)
        if dtype is None:
            self.fail(f"there is no dtype {token.text!r}", token)
        return TensorType(dtype, self._shape())

    def _shape(self) -> Shape:
        self.expect("[")
        found = []
        while not self.accept("]"):
            found.append(self._dim())
            if not self.accept(","):
                self.expect("]")
                break
        return tuple(found)

    def _dim(self) -> Any:
        start = self.token
        depth = 0
        while self.token.kind != "end":
            text = self.token.text
            if depth == 0 and text in (",", "]", ")", "}"):
                break
            depth += {"(": 1, ")": -1}.get(text, 0)
            self.next()
        try:
            return dims.parse_dim(self.text[start.at : self.end])
        except ValueError as error:
            self.fail(str(error), start)

    def literal(self) -> Any:
        """An attribute's value."""
        token = self.token
        if token.kind == "string":
            return self.string()
        if self.accept("("):
            return tuple(self._items(")"))
        if self.accept("["):
            return self._items("]")
        if token.kind == "word":
            return self._word(token)
        if token.kind == "number" or token.text == "-":
            return self._number(token)
        self.fail(f"expected a value, found {token.text or 'the end'!r}")

    def _items(self, end: str) -> list[Any]:
        found = []
        while not self.accept(end):
            found.append(self.literal())
            if not self.accept(","):
                self.expect(end)
                break
        return found

    def _number(self, token: Token) -> Any:
        sign = -1 if self.accept("-") else 1
        if self.token.text in ("nan", "inf"):
            return sign * CONSTANTS[self.next().text]
        number = self.token
        if number.kind != "number" or _OPERATOR.match(self.text, self.position):
            return self._dim_from(token)
        self.next()
        return sign * (int(number.text) if number.text.isdigit() else float(number.text))

    def _dim_from(self, token: Token) -> Any:
        self.position = token.at
        self._advance()
        return self._dim()

    def _word(self, token: Token) -> Any:
        text = token.text
        if text in CONSTANTS:
            self.next()
            return CONSTANTS[text]
        if text in dtypes.BY_SHORT:
            return self._dtype_or_array()
        if text in _CALLS:
            self.next()
            self.expect("(")
            args = self._items(")")
            try:
                return _CALLS[text](*args)
            except (TypeError, ValueError) as error:
                self.fail(f"{text}: {error}", token)
        return self._class() if "." in text else self._dim()

    def _class(self) -> Any:
        """A class of a module that is loaded already: reading text never imports code."""
        token = self.next()
        home, _, name = token.text.rpartition(".")
        found = getattr(sys.modules.get(home), name, None)
        if not isinstance(found, type):
            self.fail(f"{token.text} is no class of a loaded module", token)
        return found

    def _dtype_or_array(self) -> Any:
        token = self.next()
        dtype = dtypes.BY_SHORT[token.text]
        shape = self._shape() if self.token.text == "[" else None
        if not self.accept("("):
            return dtype
        value = self.literal()
        self.expect(")")
        try:
            if isinstance(value, str) and shape is not None:
                data = np.frombuffer(base64.b64decode(value), dtype.np)
                return data.reshape(shape).copy()  # type: ignore[arg-type]
            held = dtype is dtypes.string
            array = dtypes.encoded(value) if held else np.array(value, dtype.np)
            return array if shape is None else array.reshape(shape)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError) as error:
            self.fail(f"not an array of {dtype.name}: {error}", token)


_CALLS: dict[str, Any] = {
    "slice": slice, "complex": complex, "dim": dims.parse_dim, "bytes": base64.b64decode,
}  # fmt: skip
