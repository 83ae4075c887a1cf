"""Which labelled items go into the prompt as demonstrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.lazy import attributes

if TYPE_CHECKING:
    from llmal.icl.demonstrations.balanced import Balanced as Balanced
    from llmal.icl.demonstrations.choosing import choose_for as choose_for
    from llmal.icl.demonstrations.conditions import Condition as Condition
    from llmal.icl.demonstrations.covering import Covering as Covering
    from llmal.icl.demonstrations.diverse import Diverse as Diverse
    from llmal.icl.demonstrations.fixed import Fixed as Fixed
    from llmal.icl.demonstrations.informative import Informative as Informative
    from llmal.icl.demonstrations.making import REGISTRY as REGISTRY
    from llmal.icl.demonstrations.making import check_selector as check_selector
    from llmal.icl.demonstrations.making import make_selector as make_selector
    from llmal.icl.demonstrations.making import needs as needs
    from llmal.icl.demonstrations.random import Random as Random
    from llmal.icl.demonstrations.sensitive import Sensitive as Sensitive
    from llmal.icl.demonstrations.similar import Similar as Similar
    from llmal.icl.demonstrations.uncertain import Uncertain as Uncertain
    from llmal.icl.demonstrations.vote_k import VoteK as VoteK
    from llmal.icl.protocol import DemonstrationSelector as DemonstrationSelector
    from llmal.icl.protocol import PerQuerySelector as PerQuerySelector

_HOMES = {
    "REGISTRY": "making",
    "Balanced": "balanced",
    "Condition": "conditions",
    "Covering": "covering",
    "Diverse": "diverse",
    "Fixed": "fixed",
    "Informative": "informative",
    "Random": "random",
    "Sensitive": "sensitive",
    "Similar": "similar",
    "Uncertain": "uncertain",
    "VoteK": "vote_k",
    "check_selector": "making",
    "choose_for": "choosing",
    "make_selector": "making",
    "needs": "making",
    # From outside this package, but looked for here.
    "DemonstrationSelector": "making",
    "PerQuerySelector": "choosing",
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
