"""Selectors by name, others inside them included."""

from __future__ import annotations

from typing import Any

from llmal.core.registry import Registry
from llmal.selectors.protocol import Selector

TABLE = {
    "random": "llmal.selectors.random:Random",
    "least_confidence": "llmal.selectors.uncertainty.measures:LeastConfidence",
    "margin": "llmal.selectors.uncertainty.measures:Margin",
    "entropy": "llmal.selectors.uncertainty.measures:Entropy",
    "least_sure": "llmal.selectors.uncertainty.measures:LeastSure",
    "label_cardinality": "llmal.selectors.uncertainty.label_cardinality:LabelCardinality",
    "cvirs": "llmal.selectors.uncertainty.cvirs:Cvirs",
    "kmeans": "llmal.selectors.coverage.kmeans:KMeansCentres",
    "typiclust": "llmal.selectors.coverage.typiclust:TypiClust",
    "cal": "llmal.selectors.hybrid.contrastive_al:ContrastiveAL",
    "dal": "llmal.selectors.coverage.discriminative_al:DiscriminativeAL",
    "dropquery": "llmal.selectors.hybrid.dropquery:DropQuery",
    "allsh": "llmal.selectors.uncertainty.allsh:Allsh",
    "coreset": "llmal.selectors.coverage.coreset:CoreSet",
    "bald": "llmal.selectors.uncertainty.committee:Bald",
    "query_by_committee": "llmal.selectors.uncertainty.committee:QueryByCommittee",
    "variation_ratio": "llmal.selectors.uncertainty.committee:VariationRatio",
    "badge": "llmal.selectors.hybrid.badge:Badge",
    "cluster_margin": "llmal.selectors.hybrid.cluster_margin:ClusterMargin",
    "probcover": "llmal.selectors.coverage.probcover:ProbCover",
    "subsample": "llmal.selectors.wrappers.subsample:Subsample",
    "near_duplicates": "llmal.selectors.wrappers.near_duplicates:NearDuplicates",
    "diverse": "llmal.selectors.wrappers.diverse:Diverse",
    "class_balanced": "llmal.selectors.wrappers.class_balanced:ClassBalanced",
    "cost_aware": "llmal.selectors.wrappers.cost_aware:CostAware",
    "mixture": "llmal.selectors.wrappers.mixture:Mixture",
    "switch": "llmal.selectors.wrappers.switch:Switch",
    "scikit_activeml": "llmal.selectors.scikit_activeml.strategy:FromScikitActiveml",
    "llm_disagreement": "llmal.selectors.language_model.llm_disagreement:LLMDisagreement",
    "llm_batch": "llmal.selectors.language_model.llm_batch:LLMBatch",
    "llm_rank": "llmal.selectors.language_model.llm_rank:LLMRank",
    "llm_difficulty": "llmal.selectors.language_model.llm_difficulty:LLMDifficulty",
    "perplexity": "llmal.selectors.language_model.perplexity:PerplexityFilter",
    "quality": "llmal.selectors.language_model.quality:QualityFilter",
    "bayesian_density": "llmal.selectors.hybrid.bayesian_density:BayesianDensity",
    "promptal": "llmal.selectors.hybrid.promptal:PromptALScore",
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
