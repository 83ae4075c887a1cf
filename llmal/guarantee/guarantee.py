"""Which promise is wanted of delivered labels, and how it is worked for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from llmal.core.options import OptionError
from llmal.errors import ConfigError
from llmal.guarantee.procedure import Procedure

Policy = Literal["certify", "threshold"]
"""What decides which labels of machines may stay: an audit, or how sure the machines are."""


@dataclass(frozen=True)
class Guarantee:
    """The promise that a campaign works for.

    Attributes:
        max_error: How many of the delivered labels may be wrong, as a share of all.
        confidence: With what probability the promise holds at least.
        policy: "certify" asks people until the promise can be given. "threshold" promises nothing:
            what machines are sure of stays, and people review the rest in the order of the
            selector.
        parts: Parts of the procedure (`seed`, `score`, `plan`, `batch`, `looks`) in place of those
            that it has by default: objects, names, or mappings of a name and options.

    Raises:
        ConfigError: A share that is none, no such policy, or parts without a promise.
    """

    max_error: float = 0.05
    confidence: float = 0.95
    policy: Policy = "certify"
    parts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.max_error < 1:
            raise ConfigError(
                f"max_error is {self.max_error}", fix="give a share from 0 to below 1, such as 0.05"
            )
        if not 0.5 <= self.confidence < 1:
            raise ConfigError(
                f"confidence is {self.confidence}",
                fix="give a probability from 0.5 to below 1, such as 0.95",
            )
        if self.policy not in get_args(Policy):
            raise ConfigError(
                f"there is no policy {self.policy!r}",
                fix=f"use {' or '.join(get_args(Policy))}",
            )

    def procedure(self) -> Procedure:
        """What leads to the promise.

        Raises:
            ConfigError: There is no such part or option.
        """
        from llmal.guarantee.catalogue import make

        known = ("max_error", "confidence", "policy", *Procedure.parts)
        for name in self.parts:
            if name not in Procedure.parts:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}? Known are " if near else "known are "
                raise OptionError(
                    f"a guarantee has no {name!r}", fix=hint + ", ".join(known), option=name
                )
        made: Procedure = make(
            "label-the-doubtful",
            epsilon=self.max_error,
            # Rounded, as 1 - 0.95 is a little more than 0.05.
            alpha=round(1 - self.confidence, 12),
            **self.parts,
        )
        return made
