"""The forms of a model, whose class is written once: made when their names, of MODELS, are asked of its module."""

import sys
from collections.abc import Callable
from typing import Any

from pythae.models import BaseAE, BaseAEConfig

from models import MODELS, PREFIXES
from models.bidirectional import with_networks
from models.from_config import FromConfig, form


class Family:
    """A class and its configuration, and the attributes of all its forms (how networks are seen, what is minimised)."""

    def __init__(self, base: type[BaseAE], config: type[BaseAEConfig], **options: Any):
        self.base, self.config, self.options = base, config, options

    def form(self, name: str, module: str, shared: bool) -> type[BaseAE]:
        """Return the class on one network or on more, by its name and module."""
        if issubclass(self.base, FromConfig):
            return form((self.base,), self.config, name, module, shared=shared, **self.options)
        return with_networks(self.base, self.config, name, module, shared=shared, **self.options)


def forms(module: str, **families: Family) -> Callable[[str], type]:
    """Return the `__getattr__` of a module, by which forms of its families are its attributes, as are `<form>Config`.

    A form is called by its variant's prefix and its family's name; MODELS says which there are. It is made once, so
    that its models can be pickled. Raises AttributeError for any other name.
    """

    def attribute(name: str) -> type:
        wanted = name.removesuffix("Config")
        entry = MODELS.get(wanted)
        if entry is None or entry.target != f"{module}:{wanted}":
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        family = families[wanted.removeprefix(PREFIXES[entry.variant])]
        made = family.form(wanted, module, shared=entry.variant == "bidirectional")
        setattr(sys.modules[module], wanted, made)
        return getattr(sys.modules[module], name)

    return attribute
