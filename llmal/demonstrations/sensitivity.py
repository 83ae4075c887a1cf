"""Local sensitivity: how far a distribution over labels moves when its text is changed a little.

What the demonstrations and the query strategy of ALLSH (Zhang et al. 2022) have in common.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import Divergence, check_divergence, diverge
from llmal.errors import ConfigError, DataError
from llmal.perturb import REGISTRY
from llmal.perturb.protocol import Perturbation

GivenPerturbation = str | Mapping[str, Any] | Perturbation
"""The name of one that needs no options, a mapping of its name and options, or one made."""


def check_sensitivity(
    perturbation: GivenPerturbation, copies: int, divergence: Divergence, alpha: float
) -> None:
    """Refuse options that give no sensitivity.

    Raises:
        ConfigError: The perturbation cannot be made, there are no copies, or no such divergence.
    """
    make_perturbation(perturbation)
    if copies < 1:
        raise ConfigError(f"copies is {copies}", fix="it must be 1 or more")
    check_divergence(divergence, alpha)


def make_perturbation(given: GivenPerturbation) -> Perturbation:
    """Make the perturbation that an option names.

    Raises:
        ConfigError: There is none of that name, or it lacks options or has others.
    """
    if not isinstance(given, str | Mapping):
        return given
    options = {"name": given} if isinstance(given, str) else dict(given)
    name = options.pop("name", None)
    if name not in REGISTRY.names():
        raise ConfigError(
            f"there is no perturbation {name!r}", fix=f"known are {', '.join(REGISTRY.names())}"
        )
    kind = REGISTRY.get(name)
    try:
        made: Perturbation = kind(**options)
    except TypeError as error:
        raise ConfigError(
            f"the perturbation {name!r} cannot be made with these options ({error})",
            fix="use 'tf-idf', give a mapping of its name and options, or a Perturbation",
        ) from error
    return made


def fit_perturbation(
    given: GivenPerturbation, texts: Callable[[], Sequence[str]], *, refit: bool = False
) -> Perturbation:
    """The perturbation, fitted on the texts where it needs a corpus and has none.

    Args:
        given: Is left as it is: what is fitted is a copy.
        texts: Gives the corpus; called only where something is fitted.
        refit: Fit it although it has a corpus, or needs none.
    """
    perturbation = make_perturbation(given)
    if not refit and not _wants_corpus(perturbation):
        return perturbation
    # A copy of it: what one call learns must not be what the next one starts from.
    return copy.copy(perturbation).fit(texts())


def sensitivity(
    p: NDArray[np.floating[Any]],
    changed: NDArray[np.floating[Any]],
    divergence: Divergence,
    alpha: float,
) -> NDArray[np.float64]:
    """l(x) = max over the copies x' of x of D(p(·|x), p(·|x')), shape (n,).

    Args:
        p: Shape (n, C).
        changed: Shape (n, K, C), or (n * K, C) with the copies of an item one after another.
        divergence: D.
        alpha: Of the α-divergence.
    """
    by_item = changed.reshape(len(p), -1, p.shape[1])
    return np.asarray(diverge(p[:, None], by_item, divergence, alpha).max(axis=1))


def _wants_corpus(perturbation: Perturbation) -> bool:
    """Whether it needs a corpus and has none: no other reason to refuse an empty list."""
    try:
        perturbation.perturb([], 1, 0)
    except DataError:
        return True
    return False
