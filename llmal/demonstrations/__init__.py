"""Which labelled items go into the prompt as demonstrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes

if TYPE_CHECKING:
    from llmal.demonstrations.balanced import Balanced as Balanced
    from llmal.demonstrations.choosing import choose_for as choose_for
    from llmal.demonstrations.conditions import Condition as Condition
    from llmal.demonstrations.covering import Covering as Covering
    from llmal.demonstrations.diverse import Diverse as Diverse
    from llmal.demonstrations.fixed import Fixed as Fixed
    from llmal.demonstrations.informative import Informative as Informative
    from llmal.demonstrations.making import REGISTRY as REGISTRY
    from llmal.demonstrations.making import check_selector as check_selector
    from llmal.demonstrations.making import make_selector as make_selector
    from llmal.demonstrations.making import needs as needs
    from llmal.demonstrations.protocol import DemonstrationSelector as DemonstrationSelector
    from llmal.demonstrations.protocol import PerQuerySelector as PerQuerySelector
    from llmal.demonstrations.random import Random as Random
    from llmal.demonstrations.sensitive import Sensitive as Sensitive
    from llmal.demonstrations.similar import Similar as Similar
    from llmal.demonstrations.uncertain import Uncertain as Uncertain
    from llmal.demonstrations.vote_k import VoteK as VoteK

_HOMES = {
    "REGISTRY": "making",
    "Balanced": "balanced",
    "Condition": "conditions",
    "Covering": "covering",
    "DemonstrationSelector": "protocol",
    "Diverse": "diverse",
    "Fixed": "fixed",
    "Informative": "informative",
    "PerQuerySelector": "protocol",
    "Random": "random",
    "Sensitive": "sensitive",
    "Similar": "similar",
    "Uncertain": "uncertain",
    "VoteK": "vote_k",
    "check_selector": "making",
    "choose_for": "choosing",
    "make_selector": "making",
    "needs": "making",
}

__all__ = [
    "REGISTRY",
    "Balanced",
    "Condition",
    "Covering",
    "DemonstrationSelector",
    "Diverse",
    "Fixed",
    "Informative",
    "PerQuerySelector",
    "Random",
    "Sensitive",
    "Similar",
    "Uncertain",
    "VoteK",
    "check_selector",
    "choose_for",
    "make_selector",
    "needs",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
