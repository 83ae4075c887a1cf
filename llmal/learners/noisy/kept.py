"""Terms of a learner: as they are written with it, and copies for a training."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from llmal.errors import ConfigError
from llmal.learners.noisy import REGISTRY
from llmal.learners.training.terms import Course, Term
from llmal.perturb import TfIdfReplacement

logger = logging.getLogger("llmal.learners")


@dataclass
class Unkept(Term):
    """Stands in a saved learner for a term that could not be written.

    Args:
        what: Which.
    """

    registered_as: ClassVar[str] = "unkept"

    what: str

    def begin(self, course: Course) -> None:
        """Refuse to train without it.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            f"the learner was trained with {self.what}, which could not be saved with it",
            fix="set its terms anew",
        )


def fresh_terms(terms: Any) -> tuple[Term, ...]:
    """Copies of terms for one training.

    Args:
        terms: Objects, names, or mappings of a name and options.

    Raises:
        ConfigError: Something else is among them.
    """
    made: Any = REGISTRY.make_part(terms)
    if not isinstance(made, Sequence):
        raise ConfigError("terms is no list", fix="give a list of terms")
    for one in made:
        if not isinstance(one, Term):
            raise ConfigError(
                f"{one!r} is no term", fix=f"use one of {', '.join(REGISTRY.names())}, or a Term"
            )
    return tuple(one.fresh() for one in made)


def terms_as_json(terms: Any) -> list[dict[str, Any]]:
    """Terms as mappings of a name and options, for a saved learner.

    One that cannot be written is told of in the log, and refuses another fit of the loaded learner.
    """
    return [_as_json(one) for one in fresh_terms(terms)]


def _as_json(term: Term) -> dict[str, Any]:
    name = type(term).__name__
    if term.registered_as in REGISTRY.names():
        try:
            options = {
                one.name: _plain(getattr(term, one.name))
                for one in dataclasses.fields(term)
                if one.init
            }
            return {"name": term.registered_as, **options}
        except TypeError as error:
            name = f"{name} ({error})"
    logger.warning(
        "the term %s cannot be saved: the learner predicts without it, but is not fitted again "
        "until its terms are set anew",
        name,
    )
    return {"name": Unkept.registered_as, "what": name}


def _plain(value: Any) -> Any:
    """A value as JSON has it.

    Raises:
        TypeError: It has none.
    """
    if isinstance(value, TfIdfReplacement):
        # It is fitted on the texts of each training.
        return {"name": value.name, "rate": value.rate}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a {type(value).__name__} is not written")
