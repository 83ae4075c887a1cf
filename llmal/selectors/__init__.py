"""Selectors (query strategies): which items to label next."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from llmal.selectors.catalogue import REGISTRY, TABLE, make
from llmal.selectors.protocol import (
    AskingSelector,
    Selection,
    Selector,
    Utilities,
    UtilitySelector,
)
from llmal.selectors.signals import SIGNALS, Signal, SignalKind, add_signal
from llmal.selectors.state import RoundState

if TYPE_CHECKING:
    from llmal.selectors.coverage.coreset import CoreSet
    from llmal.selectors.coverage.discriminative_al import DiscriminativeAL
    from llmal.selectors.coverage.kmeans import KMeansCentres
    from llmal.selectors.coverage.probcover import ProbCover
    from llmal.selectors.coverage.typiclust import TypiClust
    from llmal.selectors.hybrid.badge import Badge
    from llmal.selectors.hybrid.bayesian_density import BayesianDensity
    from llmal.selectors.hybrid.cluster_margin import ClusterMargin
    from llmal.selectors.hybrid.contrastive_al import ContrastiveAL
    from llmal.selectors.hybrid.dropquery import DropQuery
    from llmal.selectors.hybrid.promptal import PromptALScore
    from llmal.selectors.language_model.llm_batch import LLMBatch
    from llmal.selectors.language_model.llm_difficulty import LLMDifficulty
    from llmal.selectors.language_model.llm_disagreement import LLMDisagreement
    from llmal.selectors.language_model.llm_rank import LLMRank
    from llmal.selectors.language_model.perplexity import PerplexityFilter
    from llmal.selectors.language_model.quality import QualityFilter
    from llmal.selectors.random import Random
    from llmal.selectors.scikit_activeml.strategy import FromScikitActiveml
    from llmal.selectors.uncertainty.allsh import Allsh
    from llmal.selectors.uncertainty.committee import Bald, QueryByCommittee, VariationRatio
    from llmal.selectors.uncertainty.cvirs import Cvirs
    from llmal.selectors.uncertainty.label_cardinality import LabelCardinality
    from llmal.selectors.uncertainty.measures import Entropy, LeastConfidence, LeastSure, Margin
    from llmal.selectors.wrappers.class_balanced import ClassBalanced
    from llmal.selectors.wrappers.cost_aware import CostAware
    from llmal.selectors.wrappers.diverse import Diverse
    from llmal.selectors.wrappers.mixture import Mixture
    from llmal.selectors.wrappers.near_duplicates import NearDuplicates
    from llmal.selectors.wrappers.subsample import Subsample
    from llmal.selectors.wrappers.switch import Switch

__all__ = [
    "REGISTRY",
    "SIGNALS",
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
    "Cvirs",
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
    "LabelCardinality",
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
    "SignalKind",
    "Subsample",
    "Switch",
    "TypiClust",
    "Utilities",
    "UtilitySelector",
    "VariationRatio",
    "add_signal",
    "make",
]

_NAMES = {target.rpartition(":")[2]: name for name, target in TABLE.items()}


def __getattr__(attribute: str) -> Any:
    if attribute in _NAMES:
        return REGISTRY.get(_NAMES[attribute])
    if attribute == "KINDS":
        warnings.warn(
            "llmal.selectors.KINDS is now llmal.selectors.SIGNALS; it goes in the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        return SIGNALS
    raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
