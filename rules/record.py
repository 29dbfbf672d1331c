"""`NamedTuple` for modules that every start imports: what typing's does, without typing's import of 2 ms.

typing's writes and compiles Python for each class too: 60 µs each, of which this takes a tenth.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from _collections import _tuplegetter

    def _new(cls, /, *values, **named):
        """Make one from values by place and by name, as any call."""
        names, defaults = cls._fields, cls._field_defaults
        if not named:
            left = len(names) - len(values)
            if not left:
                return tuple.__new__(cls, values)
            if 0 < left <= len(defaults):
                return tuple.__new__(cls, values + tuple(defaults.values())[-left:])
        given = defaults | dict(zip(names, values, strict=False)) | named
        if len(values) > len(names) or named.keys() & set(names[: len(values)]) or given.keys() != set(names):
            raise TypeError(f"{cls.__name__} takes {', '.join(names)}, each of them once")
        return tuple.__new__(cls, map(given.__getitem__, names))

    def _make(cls, values):
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"{cls.__name__} takes {len(cls._fields)} values, not {len(made)}")
        return made

    def _replace(self, /, **named):
        return type(self)(**(self._asdict() | named))

    def _asdict(self):
        return dict(zip(self._fields, self, strict=True))

    def _repr(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"

    def _arguments(self):
        return tuple(self)

    class _Maker(type):
        def __new__(cls, name, bases, body):
            if not bases:
                return type.__new__(cls, name, bases, body)
            names = tuple(body.get("__annotations__", ()))
            own = {
                "__slots__": (),
                "__new__": _new,
                "__repr__": _repr,
                "__getnewargs__": _arguments,
                "__match_args__": names,
                "_fields": names,
                "_field_defaults": {field: body.pop(field) for field in names if field in body},
                "_make": classmethod(_make),
                "_replace": _replace,
                "_asdict": _asdict,
                **{field: _tuplegetter(number, "") for number, field in enumerate(names)},
            }
            return type.__new__(type, name, (tuple,), own | body)

    class NamedTuple(metaclass=_Maker):
        """What a class is made from, which is a plain subclass of tuple then."""
