"""Selectors (query strategies): which items to label next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmal.selectors.catalogue import REGISTRY, TABLE, make
from llmal.selectors.protocol import (
    AskingSelector,
    Selection,
    Selector,
    Utilities,
    UtilitySelector,
)
from llmal.selectors.signals import KINDS, Signal
from llmal.selectors.state import RoundState

if TYPE_CHECKING:
    from llmal.selectors.allsh import Allsh
    from llmal.selectors.badge import Badge
    from llmal.selectors.bayesian_density import BayesianDensity
    from llmal.selectors.class_balanced import ClassBalanced
    from llmal.selectors.cluster_margin import ClusterMargin
    from llmal.selectors.committee import Bald, QueryByCommittee, VariationRatio
    from llmal.selectors.contrastive_al import ContrastiveAL
    from llmal.selectors.coreset import CoreSet
    from llmal.selectors.cost_aware import CostAware
    from llmal.selectors.discriminative_al import DiscriminativeAL
    from llmal.selectors.diverse import Diverse
    from llmal.selectors.dropquery import DropQuery
    from llmal.selectors.kmeans import KMeansCentres
    from llmal.selectors.llm_batch import LLMBatch
    from llmal.selectors.llm_difficulty import LLMDifficulty
    from llmal.selectors.llm_disagreement import LLMDisagreement
    from llmal.selectors.llm_rank import LLMRank
    from llmal.selectors.mixture import Mixture
    from llmal.selectors.near_duplicates import NearDuplicates
    from llmal.selectors.perplexity import PerplexityFilter
    from llmal.selectors.probcover import ProbCover
    from llmal.selectors.promptal import PromptALScore
    from llmal.selectors.quality import QualityFilter
    from llmal.selectors.random import Random
    from llmal.selectors.scikit_activeml import FromScikitActiveml
    from llmal.selectors.subsample import Subsample
    from llmal.selectors.switch import Switch
    from llmal.selectors.typiclust import TypiClust
    from llmal.selectors.uncertainty import Entropy, LeastConfidence, LeastSure, Margin

__all__ = [
    "KINDS",
    "REGISTRY",
    "Allsh",
    "AskingSelector",
    "Badge",
    "Bald",
    "BayesianDensity",
    "ClassBalanced",
    "ClusterMargin",
    "ContrastiveAL",
    "CoreSet",
    "CostAware",
    "DiscriminativeAL",
    "Diverse",
    "DropQuery",
    "Entropy",
    "FromScikitActiveml",
    "KMeansCentres",
    "LLMBatch",
    "LLMDifficulty",
    "LLMDisagreement",
    "LLMRank",
    "LeastConfidence",
    "LeastSure",
    "Margin",
    "Mixture",
    "NearDuplicates",
    "PerplexityFilter",
    "ProbCover",
    "PromptALScore",
    "QualityFilter",
    "QueryByCommittee",
    "Random",
    "RoundState",
    "Selection",
    "Selector",
    "Signal",
    "Subsample",
    "Switch",
    "TypiClust",
    "Utilities",
    "UtilitySelector",
    "VariationRatio",
    "make",
]

_NAMES = {target.rpartition(":")[2]: name for name, target in TABLE.items()}


def __getattr__(attribute: str) -> Any:
    if attribute in _NAMES:
        return REGISTRY.get(_NAMES[attribute])
    raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
