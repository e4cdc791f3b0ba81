"""Functions that are methods: traces of their own for each object, which they do not keep alive."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections import OrderedDict
from collections.abc import Callable
from types import MethodType
from typing import Any

STRONG = 128  # objects without weak references whose methods are kept


class BoundFunction:
    """A method that is a function: keeps its object alive, as Python's bound methods do."""

    __slots__ = ("__self__", "function", "__weakref__")

    def __init__(self, instance: Any, function: Any) -> None:
        self.__self__, self.function = instance, function

    @property
    def __func__(self) -> Any:
        return self.function

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.function, name)
        if not isinstance(found, MethodType):
            return found

        @functools.wraps(found)
        def method(*args: Any, **kwargs: Any) -> Any:
            _ = self  # the object lives as long as this
            return found(*args, **kwargs)

        return method

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundFunction) and other.function is self.function

    def __hash__(self) -> int:
        return id(self.function)

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.__self__, self.function.__name__)

    def __repr__(self) -> str:
        return f"<bound {self.function!r}>"


class Method:
    """A method of an object that is held weakly: its traces must not keep the object alive."""

    def __init__(self, function: Callable[..., Any], get: Callable[[], Any]) -> None:
        self.__func__, self._get = function, get
        for name in ("__name__", "__qualname__", "__module__", "__doc__"):
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))

    @property
    def __self__(self) -> Any:
        found = self._get()
        if found is None:
            raise ReferenceError(f"the object that {self.__name__} belongs to is gone")
        return found

    @property
    def __signature__(self) -> inspect.Signature:
        signature = inspect.signature(self.__func__)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__(self.__self__, *args, **kwargs)


class Methods:
    """For each object, by identity, what was made for it; goes with the object."""

    def __init__(self) -> None:
        self._weak: dict[int, tuple[Any, Any]] = {}
        self._strong: OrderedDict[int, tuple[Any, Any]] = OrderedDict()

    def get(self, instance: Any) -> Any:
        found = self._weak.get(id(instance)) or self._strong.get(id(instance))
        return None if found is None else found[1]

    def make(self, instance: Any, bind: Callable[[Callable[[], Any]], Any]) -> Any:
        """Bind to an object that is not known yet."""
        number, weak = id(instance), self._weak
        try:
            reference = weakref.ref(instance, lambda _: weak.pop(number, None))
        except TypeError:
            made = bind(lambda: instance)
            found = self._strong.setdefault(number, (instance, made))
            while len(self._strong) > STRONG:
                self._strong.popitem(last=False)
            return found[1]
        return weak.setdefault(number, (reference, bind(reference)))[1]

    def __len__(self) -> int:
        return len(self._weak) + len(self._strong)
