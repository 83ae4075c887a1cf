"""The calibrators of a section."""

from __future__ import annotations

from collections.abc import Sequence

from llmal.calibration import make as make_calibrator
from llmal.calibration.default import AUTO
from llmal.calibration.protocol import Calibrator
from llmal.config import RunConfig
from llmal.config.annotator_sections import CalibratorConfig
from llmal.errors import ConfigError
from llmal.factory.places import located


def make_calibrators(
    config: RunConfig, sections: Sequence[CalibratorConfig], *place: str | int
) -> list[str | Calibrator]:
    """The calibrators of a section, which stands at a place of the configuration.

    Raises:
        ConfigError: There is no such calibrator or option.
    """
    made: list[str | Calibrator] = []
    for number, one in enumerate(sections):
        with located(config, *place, "calibrate", number):
            if one.name != AUTO:
                made.append(make_calibrator(one.name, **one.options))
            elif one.options:
                raise ConfigError(
                    f"{AUTO!r} has no options, and {next(iter(one.options))!r} is given",
                    fix="name the calibrator that the option belongs to",
                )
            else:
                made.append(AUTO)
    return made
