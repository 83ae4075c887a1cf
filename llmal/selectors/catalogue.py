"""Selectors by name, others inside them included."""

from __future__ import annotations

from typing import Any

from llmal.core.registry import Registry
from llmal.selectors.protocol import Selector

TABLE = {
    "random": "llmal.selectors.random:Random",
    "least_confidence": "llmal.selectors.uncertainty:LeastConfidence",
    "margin": "llmal.selectors.uncertainty:Margin",
    "entropy": "llmal.selectors.uncertainty:Entropy",
    "least_sure": "llmal.selectors.uncertainty:LeastSure",
    "kmeans": "llmal.selectors.kmeans:KMeansCentres",
    "typiclust": "llmal.selectors.typiclust:TypiClust",
    "cal": "llmal.selectors.contrastive_al:ContrastiveAL",
    "dal": "llmal.selectors.discriminative_al:DiscriminativeAL",
    "dropquery": "llmal.selectors.dropquery:DropQuery",
    "allsh": "llmal.selectors.allsh:Allsh",
    "coreset": "llmal.selectors.coreset:CoreSet",
    "bald": "llmal.selectors.committee:Bald",
    "query_by_committee": "llmal.selectors.committee:QueryByCommittee",
    "variation_ratio": "llmal.selectors.committee:VariationRatio",
    "badge": "llmal.selectors.badge:Badge",
    "cluster_margin": "llmal.selectors.cluster_margin:ClusterMargin",
    "probcover": "llmal.selectors.probcover:ProbCover",
    "subsample": "llmal.selectors.subsample:Subsample",
    "near_duplicates": "llmal.selectors.near_duplicates:NearDuplicates",
    "diverse": "llmal.selectors.diverse:Diverse",
    "class_balanced": "llmal.selectors.class_balanced:ClassBalanced",
    "cost_aware": "llmal.selectors.cost_aware:CostAware",
    "mixture": "llmal.selectors.mixture:Mixture",
    "switch": "llmal.selectors.switch:Switch",
    "scikit_activeml": "llmal.selectors.scikit_activeml:FromScikitActiveml",
    "llm_disagreement": "llmal.selectors.llm_disagreement:LLMDisagreement",
    "llm_batch": "llmal.selectors.llm_batch:LLMBatch",
    "llm_rank": "llmal.selectors.llm_rank:LLMRank",
    "llm_difficulty": "llmal.selectors.llm_difficulty:LLMDifficulty",
    "perplexity": "llmal.selectors.perplexity:PerplexityFilter",
    "quality": "llmal.selectors.quality:QualityFilter",
    "bayesian_density": "llmal.selectors.bayesian_density:BayesianDensity",
    "promptal": "llmal.selectors.promptal:PromptALScore",
}

REGISTRY = Registry("selectors", TABLE, contract=Selector)
"""Names in the configuration, and the selectors that they stand for."""


def make(name: str, **options: Any) -> Selector:
    """A selector by its name and options.

    A selector inside another is given as a selector, as a name, or as a mapping of its name and
    options: `make("subsample", items=10_000, selector={"name": "badge"})`.

    Raises:
        ConfigError: A name or an option is unknown or not usable.
    """
    selector: Selector = REGISTRY.make(name, options)
    return selector
