"""The calibrator that is used where nobody names one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from llmal.calibration.catalogue import make
from llmal.calibration.protocol import Calibrator, FitsOn
from llmal.errors import ConfigError

AUTO: Final = "auto"
"""The name that leaves the choice to llmal."""

NONE: Final = "none"
"""The name that switches calibration off."""

DEFAULT = "batch"
"""What "auto" stands for: it needs no label, and no prompt beside those of texts that are asked
about anyway."""

DEFAULT_OF_EACH_LABEL = "prior-matching"
"""The same where an item takes several labels: "batch" would give half of the items each label."""

WITHOUT_TEXTS = "contextual"
"""What stands in for it where there are too few texts: it asks about inputs without content."""

MOST_TEXTS = 64
"""Most texts that it is fitted on: few enough for rounds of a few items, where they are asked about
for it alone, and for a small budget."""

FEWEST_TEXTS = 8
"""Fewest texts that the default is fitted on."""

Stage = Calibrator | Literal["auto"]
"""A calibrator, or the word that leaves the choice until the texts are known."""

Calibrate = str | Calibrator | Sequence[str | Calibrator] | None
"""How a user says it: names, calibrators, several in turn, or None for none."""


def stages_of(calibrate: Calibrate) -> tuple[Stage, ...]:
    """Calibrators by name or as they are, in the order in which they are applied.

    Raises:
        ConfigError: There is no calibrator of that name, or "none" stands among others.
    """
    if calibrate is None or calibrate == NONE:
        return ()
    given = [calibrate] if isinstance(calibrate, (str, Calibrator)) else list(calibrate)
    if given == [NONE]:
        return ()
    if NONE in [one for one in given if isinstance(one, str)]:
        raise ConfigError(
            f"{NONE!r} stands among the calibrators", fix="leave it out, or leave the others out"
        )
    return tuple(_stage(one) for one in given)


def _stage(given: str | Calibrator) -> Stage:
    if isinstance(given, str):
        return "auto" if given == AUTO else make(given)
    return given


def default_for(texts: int) -> Calibrator:
    """The calibrator that "auto" stands for, given the number of texts to fit on."""
    return make(DEFAULT if texts >= FEWEST_TEXTS else WITHOUT_TEXTS)


def default_for_each_label(texts: int) -> Calibrator | None:
    """The same where an item takes several labels, each of which is calibrated by itself.

    None for too few texts: inputs without content say nothing of how many labels an item has.
    """
    return make(DEFAULT_OF_EACH_LABEL) if texts >= FEWEST_TEXTS else None


def fits_on(stage: Stage) -> FitsOn:
    """Which inputs a calibrator is fitted on; "auto" wants texts, and makes do without."""
    return "pool" if stage == "auto" else stage.fits_on
