"""Perturbations: changed copies of texts that mean the same, or nearly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes
from llmal.core.registry import Registry
from llmal.perturb.protocol import Perturbation

if TYPE_CHECKING:
    from llmal.perturb.back_translation import BackTranslation as BackTranslation
    from llmal.perturb.items import perturb_items as perturb_items
    from llmal.perturb.paraphrase import Paraphrase as Paraphrase
    from llmal.perturb.statistics import CorpusStatistics as CorpusStatistics
    from llmal.perturb.tf_idf import TfIdfReplacement as TfIdfReplacement

REGISTRY = Registry(
    "perturb",
    {
        "tf-idf": "llmal.perturb.tf_idf:TfIdfReplacement",
        "paraphrase": "llmal.perturb.paraphrase:Paraphrase",
        "back-translation": "llmal.perturb.back_translation:BackTranslation",
    },
)
"""Names in the configuration, and the perturbations that they stand for."""

_HOMES = {
    "BackTranslation": "back_translation",
    "CorpusStatistics": "statistics",
    "Paraphrase": "paraphrase",
    "TfIdfReplacement": "tf_idf",
    "perturb_items": "items",
}

__all__ = [
    "REGISTRY",
    "BackTranslation",
    "CorpusStatistics",
    "Paraphrase",
    "Perturbation",
    "TfIdfReplacement",
    "perturb_items",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
