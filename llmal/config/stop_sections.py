"""The sections `budget` and `stop`: what ends a run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from llmal.config.plug_ins import PLUG_IN, PlugIn, tag_of
from llmal.config.section import Amount, Count, Positive, Section, Share


class BudgetConfig(Section):
    """What may be spent; None sets no limit.

    Attributes:
        human_labels: Labels by people.
        money: In the currency of the prices.
        tokens: Read and written by the language model.
        rounds: Turns of the loop.
        batch: Items picked in each round.
    """

    human_labels: Count | None = None
    money: Amount | None = None
    tokens: Positive | None = None
    rounds: Positive | None = None
    batch: Positive = 20


class StoppingRule(Section):
    """What ends a run early. A parameter that is left out has the default of the rule."""

    @property
    def options(self) -> dict[str, Any]:
        """The parameters that were given."""
        return self.model_dump(exclude={"name"}, exclude_none=True)


class PlateauConfig(StoppingRule):
    """The validation score has risen by no more than `tolerance` for some rounds."""

    name: Literal["plateau"]
    rounds: Positive | None = None
    tolerance: Amount | None = None


class TargetAccuracyConfig(StoppingRule):
    """The accuracy that was asked for is reached."""

    name: Literal["target_accuracy"]
    accuracy: Annotated[float, Field(gt=0, lt=1)]


class EntropySettledConfig(StoppingRule):
    """The mean entropy of the predictions has moved by no more than `tolerance`."""

    name: Literal["entropy_settled"]
    rounds: Positive | None = None
    tolerance: Amount | None = None


class AgreementSettledConfig(StoppingRule):
    """The predictions of successive rounds agree by at least `agreement`."""

    name: Literal["agreement_settled"]
    rounds: Positive | None = None
    agreement: Share | None = None


class GainBelowCostConfig(StoppingRule):
    """The labels of the next round would cost more than the accuracy that they bring is worth.

    Attributes:
        labels_per_point: Labels that a point of accuracy (0.01) is worth.
        rounds: Tested rounds before it speaks.
    """

    name: Literal["gain_below_cost"]
    labels_per_point: Annotated[float, Field(gt=0)] | None = None
    rounds: Annotated[int, Field(ge=5)] | None = None


class PredictedTargetConfig(StoppingRule):
    """The learning curve says that the accuracy is reached, or out of reach.

    Attributes:
        accuracy: The one asked for.
        labels: The most there can be; None for any number.
        level: Of the interval of the curve.
        rounds: Tested rounds before it speaks.
    """

    name: Literal["predicted_target"]
    accuracy: Annotated[float, Field(gt=0, lt=1)]
    labels: Positive | None = None
    level: Annotated[float, Field(gt=0, lt=1)] | None = None
    rounds: Annotated[int, Field(ge=5)] | None = None


StopConfig = Annotated[
    Annotated[PlateauConfig, Tag("plateau")]
    | Annotated[TargetAccuracyConfig, Tag("target_accuracy")]
    | Annotated[EntropySettledConfig, Tag("entropy_settled")]
    | Annotated[AgreementSettledConfig, Tag("agreement_settled")]
    | Annotated[GainBelowCostConfig, Tag("gain_below_cost")]
    | Annotated[PredictedTargetConfig, Tag("predicted_target")]
    | Annotated[PlugIn, Tag(PLUG_IN)],
    Discriminator(
        tag_of(
            "stop",
            (
                "plateau",
                "target_accuracy",
                "entropy_settled",
                "agreement_settled",
                "gain_below_cost",
                "predicted_target",
            ),
        )
    ),
]
