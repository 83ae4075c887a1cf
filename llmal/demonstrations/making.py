"""Demonstration selectors by name."""

from __future__ import annotations

from typing import Any

from llmal.core.registry import Registry
from llmal.demonstrations.covering import covering
from llmal.demonstrations.protocol import DemonstrationSelector
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.prompting.order import ORDERS
from llmal.prompting.protocol import Need
from llmal.prompting.scorer import PromptScorer

_TABLE = {
    "random": "llmal.demonstrations.random:Random",
    "balanced": "llmal.demonstrations.balanced:Balanced",
    "similar": "llmal.demonstrations.similar:Similar",
    "diverse": "llmal.demonstrations.diverse:Diverse",
    "vote-k": "llmal.demonstrations.vote_k:VoteK",
    "uncertain": "llmal.demonstrations.uncertain:Uncertain",
    "allsh": "llmal.demonstrations.sensitive:Sensitive",
    "informative": "llmal.demonstrations.informative:Informative",
}

REGISTRY = Registry("demonstrations", _TABLE)
"""Names in the configuration, and the selectors that they stand for."""

_ALSO = ("cover_labels",)


def make_selector(
    name: str,
    *,
    scorer: PromptScorer | None = None,
    embedder: Embedder | None = None,
    cover_labels: bool = False,
    **options: Any,
) -> DemonstrationSelector:
    """The selector of a name, given what it requires and nothing more.

    Args:
        name: As in the registry.
        scorer: For selectors that ask the model.
        embedder: For selectors that compare texts.
        cover_labels: Have every label shown (`Covering`).
        options: Of that selector.

    Raises:
        ConfigError: There is no such selector, what it requires is not given, or it has no such
            option or value.
    """
    made: DemonstrationSelector = REGISTRY.make(
        name, options, offers={"scorer": scorer, "embedder": embedder}, also=_ALSO
    )
    _check_covering(cover_labels)
    return covering(made) if cover_labels else made


def check_selector(
    name: str, *, embedder: Embedder | None = None, cover_labels: bool = False, **options: Any
) -> None:
    """Refuse what `make_selector` would refuse, before there is a language model to score with.

    Raises:
        ConfigError: As for `make_selector`, but for the lack of a scorer.
    """
    REGISTRY.check(name, options, offers={"embedder": embedder}, later=("scorer",), also=_ALSO)
    _check_covering(cover_labels)
    if name in _TABLE:
        # Ours look at their options alone when they are made.
        kind = REGISTRY.get(name)
        kind(**dict.fromkeys(kind.requires), **options)


def needs(name: str) -> tuple[Need, ...]:
    """What the selector, or the order, of a name must be made with.

    Raises:
        ConfigError: There is neither.
    """
    room = ORDERS if name in ORDERS.names() else REGISTRY
    required: tuple[Need, ...] = room.get(name).requires
    return required


def _check_covering(value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"cover_labels is {value!r}", fix="use true or false")
