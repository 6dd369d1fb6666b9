"""Check that a class has the methods of its kind of plugin."""

import inspect

_METHODS: dict[str, tuple[tuple[str, int], ...]] = {
    "reader": (("sniff", 2), ("read", 1)),
    "preprocessing": (("__call__", 1),),
    "augmentation": (("__call__", 2),),
    "backbone": (("build", 0),),
    "model": (("load", 1),),
    "report": (("write", 3),),
    "executor": (("run", 2),),
}
"""The methods that each contract requires, with their numbers of arguments."""


def method_fault(kind: str, loaded: type) -> str:
    """Return which method of a kind of plugin a class lacks or has with wrong arguments, or an
    empty text."""
    for name, count in _METHODS[kind]:
        member = next((vars(each)[name] for each in loaded.__mro__ if name in vars(each)), None)
        if isinstance(member, classmethod):
            member = member.__func__
        if not callable(member):
            return f"expected a method {name!r}, got {member!r}"
        signature = inspect.signature(member)
        try:
            own = 0 if isinstance(member, staticmethod) else 1
            signature.bind(*[None] * (own + count))
        except TypeError:
            return f"{name} must take {count} arguments after self, but it is {name}{signature}"
    return ""
