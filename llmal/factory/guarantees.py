"""The promise of a configuration."""

from __future__ import annotations

from llmal.config import RunConfig
from llmal.factory.places import located
from llmal.guarantee.guarantee import Guarantee


def make_guarantee(config: RunConfig) -> Guarantee | None:
    """The promise that a configuration asks for; None where it leaves it to the run.

    Raises:
        ConfigError: There is no such part or option of the procedure.
    """
    section = config.guarantee
    if section is None:
        return None
    with located(config, "guarantee"):
        wanted = Guarantee(
            section.max_error, section.confidence, section.policy, parts=section.options
        )
        if wanted.policy == "certify":
            # Here, so that a mistake in a part is told with its place in the file.
            wanted.procedure()
    return wanted
