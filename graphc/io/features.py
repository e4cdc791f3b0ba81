"""``tf.train.Example``: what records of features are made of, as TensorFlow writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from graphc.formats.wire import Packed, fields, floats, message, numbers


class _Message:
    """A message: fields by name, compared by value, printed as protocol buffers print."""

    FIELDS: tuple[str, ...] = ()

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        """The message as bytes."""
        raise NotImplementedError

    def _merge(self, data: bytes) -> None:
        raise NotImplementedError

    def ParseFromString(self, data: bytes) -> int:
        """Become the message that bytes hold."""
        self.__init__()  # type: ignore[misc]
        self._merge(data)
        return len(data)

    MergeFromString = ParseFromString

    @classmethod
    def FromString(cls, data: bytes) -> Any:
        """The message that bytes hold."""
        made = cls()
        made.ParseFromString(data)
        return made

    def ByteSize(self) -> int:
        return len(self.SerializeToString())

    def CopyFrom(self, other: Any) -> None:
        self.ParseFromString(other.SerializeToString())

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.SerializeToString() == self.SerializeToString()  # type: ignore[attr-defined]

    __hash__ = None  # type: ignore[assignment]

    def _lines(self) -> Iterator[str]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return "".join(f"{line}\n" for line in self._lines())


def _inside(name: str, message: _Message) -> Iterator[str]:
    yield f"{name} {{"
    yield from (f"  {line}" for line in message._lines())
    yield "}"


class _Values(_Message):
    """A list of values."""

    def __init__(self, value: Any = ()) -> None:
        self.value = [self._checked(v) for v in value]

    @staticmethod
    def _checked(value: Any) -> Any:
        return value

    def _lines(self) -> Iterator[str]:
        yield from (f"value: {_text(v)}" for v in self.value)


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        return f"{value:g}" if isinstance(value, float) else str(value)
    shown = (chr(b) if 32 <= b < 127 and b not in b"\"\\'" else _escaped(b) for b in value)
    return '"' + "".join(shown) + '"'


def _escaped(byte: int) -> str:
    known = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 39: "\\'", 92: "\\\\"}
    return known.get(byte, f"\\{byte:03o}")


class BytesList(_Values):
    """Strings (TF: ``tf.train.BytesList``)."""

    @staticmethod
    def _checked(value: Any) -> bytes:
        if not isinstance(value, bytes):
            raise TypeError(
                f"{value!r} has type {type(value).__name__}, but expected one of: bytes"
            )
        return value

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        return message(*((1, v) for v in self.value))

    def _merge(self, data: bytes) -> None:
        self.value += [v for field, v in fields(data) if field == 1]


class FloatList(_Values):
    """Numbers f32 (TF: ``tf.train.FloatList``)."""

    @staticmethod
    def _checked(value: Any) -> float:
        return float(np.float32(value))

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        return message((1, Packed(self.value, "f"))) if self.value else b""

    def _merge(self, data: bytes) -> None:
        self.value += [x for field, v in fields(data) if field == 1 for x in floats(v)]


class Int64List(_Values):
    """Numbers i64 (TF: ``tf.train.Int64List``)."""

    @staticmethod
    def _checked(value: Any) -> int:
        if isinstance(value, float | np.floating | str | bytes):
            raise TypeError(f"{value!r} has type {type(value).__name__}, but expected one of: int")
        return int(value)

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        return message((1, Packed(self.value))) if self.value else b""

    def _merge(self, data: bytes) -> None:
        self.value += [n for field, v in fields(data) if field == 1 for n in numbers(v)]


class Feature(_Message):
    """One list of values, of one of three kinds (TF: ``tf.train.Feature``)."""

    KINDS: tuple[tuple[str, type[_Values]], ...] = (
        ("bytes_list", BytesList), ("float_list", FloatList), ("int64_list", Int64List)
    )  # fmt: skip

    def __init__(
        self, bytes_list: Any = None, float_list: Any = None, int64_list: Any = None
    ) -> None:
        given = {"bytes_list": bytes_list, "float_list": float_list, "int64_list": int64_list}
        self._held = next(((k, v) for k, v in given.items() if v is not None), None)

    def _of(self, kind: str) -> Any:
        """The list of a kind; values added to an empty one make it this feature's."""
        if self._held is None or self._held[0] != kind:
            made = dict(self.KINDS)[kind]()
            if self._held is None:
                self._held = kind, made
            return made
        return self._held[1]

    bytes_list = property(lambda self: self._of("bytes_list"))
    float_list = property(lambda self: self._of("float_list"))
    int64_list = property(lambda self: self._of("int64_list"))

    def WhichOneof(self, group: str) -> str | None:
        """Which kind of list it has."""
        return None if self._held is None else self._held[0]

    def HasField(self, name: str) -> bool:
        return self.WhichOneof("kind") == name

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        if self._held is None:
            return b""
        number = [k for k, _ in self.KINDS].index(self._held[0]) + 1
        return message((number, self._held[1].SerializeToString()))

    def _merge(self, data: bytes) -> None:
        for field, value in fields(data):
            if 1 <= field <= 3:
                kind, make = self.KINDS[field - 1]
                self._held = kind, make.FromString(value)

    def _lines(self) -> Iterator[str]:
        if self._held is not None:
            yield from _inside(*self._held)


class _Map(dict[str, Any]):
    """Messages by name; one that is asked for is there."""

    def __init__(self, make: Any, given: Any = ()) -> None:
        super().__init__(given or {})
        self.make = make

    def __missing__(self, key: str) -> Any:
        found = self[key] = self.make()
        return found


class _Mapped(_Message):
    """A map from names to messages, as its only field."""

    NAME, MAKE = "", type[_Message]

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        held = getattr(self, self.NAME)
        pairs = ((k, held[k].SerializeToString()) for k in sorted(held))
        return message(*((1, message((1, key), (2, value))) for key, value in pairs))

    def _merge(self, data: bytes) -> None:
        for field, entry in fields(data):
            if field == 1:
                parts = dict(fields(entry))  # type: ignore[arg-type]
                key = parts.get(1, b"").decode()  # type: ignore[union-attr]
                getattr(self, self.NAME)[key] = self.MAKE.FromString(parts.get(2, b""))  # type: ignore[attr-defined]

    def _lines(self) -> Iterator[str]:
        held = getattr(self, self.NAME)
        for key in sorted(held):
            yield f"{self.NAME} {{"
            yield f"  key: {_text(key.encode())}"
            yield from (f"  {line}" for line in _inside("value", held[key]))
            yield "}"


class Features(_Mapped):
    """Features by name (TF: ``tf.train.Features``)."""

    NAME, MAKE = "feature", Feature

    def __init__(self, feature: Any = None) -> None:
        self.feature = _Map(Feature, feature)


class FeatureList(_Message):
    """Features of one kind, one for each step (TF: ``tf.train.FeatureList``)."""

    def __init__(self, feature: Any = ()) -> None:
        self.feature = list(feature)

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        return message(*((1, f.SerializeToString()) for f in self.feature))

    def _merge(self, data: bytes) -> None:
        self.feature += [Feature.FromString(v) for field, v in fields(data) if field == 1]

    def _lines(self) -> Iterator[str]:
        for feature in self.feature:
            yield from _inside("feature", feature)


class FeatureLists(_Mapped):
    """Lists of features by name (TF: ``tf.train.FeatureLists``)."""

    NAME, MAKE = "feature_list", FeatureList

    def __init__(self, feature_list: Any = None) -> None:
        self.feature_list = _Map(FeatureList, feature_list)


class _Parts(_Message):
    """Messages in numbered fields."""

    PARTS: tuple[tuple[str, type[_Message]], ...] = ()

    def __init__(self, **given: Any) -> None:
        unknown = given.keys() - dict(self.PARTS).keys()
        if unknown:
            raise ValueError(
                f'Protocol message {type(self).__name__} has no "{min(unknown)}" field.'
            )
        for name, make in self.PARTS:
            value = given.get(name)
            setattr(self, name, make() if value is None else value)

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        parts = (getattr(self, name).SerializeToString() or None for name, _ in self.PARTS)
        return message(*enumerate(parts, 1))

    def _merge(self, data: bytes) -> None:
        for field, value in fields(data):
            if 1 <= field <= len(self.PARTS):
                name, make = self.PARTS[field - 1]
                setattr(self, name, make.FromString(value))  # type: ignore[arg-type]

    def _lines(self) -> Iterator[str]:
        for name, _ in self.PARTS:
            if getattr(self, name).SerializeToString():
                yield from _inside(name, getattr(self, name))


class Example(_Parts):
    """A record: features by name (TF: ``tf.train.Example``)."""

    PARTS = (("features", Features),)


class SequenceExample(_Parts):
    """A record of a sequence: features of the whole, and of its steps (TF: the same)."""

    PARTS = (("context", Features), ("feature_lists", FeatureLists))
