"""One answer out of several that different people gave to one item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.annotators.aggregation.protocol import Aggregated, Aggregator, CombinedBy
from llmal.core.lazy import attributes
from llmal.core.registry import Registry

if TYPE_CHECKING:
    from llmal.annotators.aggregation.agreement import (
        Agreement,
        PairAgreement,
        agreement_of,
        krippendorff_alpha,
    )
    from llmal.annotators.aggregation.crowd_kit import (
        DawidSkene,
        Glad,
        Mace,
        OneCoinDawidSkene,
    )
    from llmal.annotators.aggregation.crowdlab import Crowdlab
    from llmal.annotators.aggregation.from_annotations import aggregate, measure_agreement
    from llmal.annotators.aggregation.majority import Majority

_HOMES = {
    "Agreement": "agreement",
    "Crowdlab": "crowdlab",
    "DawidSkene": "crowd_kit",
    "Glad": "crowd_kit",
    "Mace": "crowd_kit",
    "Majority": "majority",
    "OneCoinDawidSkene": "crowd_kit",
    "PairAgreement": "agreement",
    "aggregate": "from_annotations",
    "agreement_of": "agreement",
    "krippendorff_alpha": "agreement",
    "measure_agreement": "from_annotations",
}

REGISTRY = Registry(
    "aggregation",
    {
        "majority": "llmal.annotators.aggregation.majority:Majority",
        "dawid_skene": "llmal.annotators.aggregation.crowd_kit:DawidSkene",
        "one_coin_dawid_skene": "llmal.annotators.aggregation.crowd_kit:OneCoinDawidSkene",
        "glad": "llmal.annotators.aggregation.crowd_kit:Glad",
        "mace": "llmal.annotators.aggregation.crowd_kit:Mace",
        "crowdlab": "llmal.annotators.aggregation.crowdlab:Crowdlab",
    },
    contract=Aggregator,
)
"""Ways to put answers together, by their names in a configuration."""

__all__ = [
    "REGISTRY",
    "Aggregated",
    "Aggregator",
    "Agreement",
    "CombinedBy",
    "Crowdlab",
    "DawidSkene",
    "Glad",
    "Mace",
    "Majority",
    "OneCoinDawidSkene",
    "PairAgreement",
    "aggregate",
    "agreement_of",
    "krippendorff_alpha",
    "measure_agreement",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
