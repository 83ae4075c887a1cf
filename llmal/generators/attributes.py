"""What texts shall differ in: attributes, their values, and how these are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError
from llmal.generators.decks import Rotation

LABEL = "label"
"""What an attribute is `given` whose values depend on the label that is asked for."""

_Weights = Mapping[str, float]


class Attributes:
    """Attributes such as topic, length, register and persona, and their values.

    An attribute is a list of values, a mapping of values to weights, or, where it depends on
    another or on the label, `{given: OTHER, values: {VALUE OF OTHER: …}}` with a list or a mapping
    for each value of the other. Draws are balanced: each value comes as often as its weight says,
    up to one draw, and of a dependent one so among the draws of each value of the other.

    Args:
        declared: By name.
        labels: Those of the task; None where an item may have several, and no attribute can be
            given the label.

    Raises:
        ConfigError: An attribute is not such, or depends on what is not there.

    Source: attributed prompts, AttrPrompt (Yu et al. 2023).
    """

    def __init__(self, declared: Mapping[str, Any], labels: Sequence[str] | None) -> None:
        if LABEL in declared:
            raise ConfigError(
                "attributes has the name 'label', which is what others may be given",
                fix="call it otherwise",
            )
        self._parents: dict[str, str | None] = {}
        self._choices: dict[str, dict[str, _Weights]] = {}
        for name, said in declared.items():
            self._parents[name], self._choices[name] = _read(name, said)
        self._order = self._sorted()
        self._check(labels)

    def draws(self, label: str, rng: np.random.Generator) -> Iterator[dict[str, str]]:
        """A value of each attribute, in the order in which they were declared, without end."""
        rotations = {
            (name, given): Rotation(weights, child)
            for (name, given, weights), child in zip(
                self._listed(), rng.spawn(len(self._listed())), strict=True
            )
        }
        while True:
            drawn = {LABEL: label}
            for name in self._order:
                parent = self._parents[name]
                drawn[name] = rotations[name, "" if parent is None else drawn[parent]].draw()
            yield {name: drawn[name] for name in self._choices}

    def longest(self, count_tokens: Callable[[Sequence[str]], NDArray[np.int64]]) -> dict[str, str]:
        """The value of each attribute that takes the most tokens, for a forecast."""
        found = {}
        for name, choices in self._choices.items():
            values = sorted({value for weights in choices.values() for value in weights})
            said = [f" {name}: {value}." for value in values]
            found[name] = values[int(np.argmax(count_tokens(said)))]
        return found

    def _listed(self) -> list[tuple[str, str, _Weights]]:
        return [
            (name, given, weights)
            for name, choices in self._choices.items()
            for given, weights in choices.items()
        ]

    def _sorted(self) -> list[str]:
        graph = {
            name: {parent} if parent in self._parents else set()
            for name, parent in self._parents.items()
        }
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise ConfigError(
                f"attributes depend on each other in a circle: {' on '.join(error.args[1])}",
                fix="let one of them stand alone",
            ) from None

    def _check(self, labels: Sequence[str] | None) -> None:
        for name, parent in self._parents.items():
            if parent is None:
                continue
            if parent != LABEL and parent not in self._parents:
                raise ConfigError(
                    f"attributes: {name!r} is given {parent!r}, which is no attribute",
                    fix=f"use label or {' or '.join(n for n in self._parents if n != name)}",
                )
            if parent == LABEL and labels is None:
                raise ConfigError(
                    f"attributes: {name!r} is given the label, and an item may have several",
                    fix="let it stand alone",
                )
            values = (
                set(labels or ())
                if parent == LABEL
                else {value for weights in self._choices[parent].values() for value in weights}
            )
            for value in sorted(values ^ set(self._choices[name])):
                if value in values:
                    raise ConfigError(
                        f"attributes: {name!r} has no values for the {parent} {value!r}",
                        fix="list some",
                    )
                raise ConfigError(
                    f"attributes: {name!r} has values for {value!r}, which is no {parent}",
                    fix=f"known are {', '.join(sorted(values))}",
                )


def _read(name: str, said: Any) -> tuple[str | None, dict[str, _Weights]]:
    """What an attribute is given, and its values for each value of that; "" where it is none."""
    if not isinstance(said, Mapping) or "given" not in said:
        return None, {"": _weights(name, said)}
    if set(said) != {"given", "values"} or not isinstance(said["values"], Mapping):
        raise ConfigError(
            f"attributes: {name!r} is given another, but its values are not listed by it",
            fix="write {given: OTHER, values: {VALUE: [...], VALUE: [...]}}",
        )
    each = {str(value): _weights(name, of) for value, of in said["values"].items()}
    return str(said["given"]), each


def _weights(name: str, said: Any) -> _Weights:
    values: dict[str, float]
    if isinstance(said, Mapping):
        values = {str(value): weight for value, weight in said.items()}
        for value, weight in values.items():
            if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
                raise ConfigError(
                    f"attributes: {name!r} has the weight {weight!r} for {value!r}",
                    fix="a weight is a number above 0",
                )
    elif isinstance(said, Sequence) and not isinstance(said, str):
        values = dict.fromkeys(map(str, said), 1.0)
        if len(values) < len(said):
            raise ConfigError(
                f"attributes: {name!r} has a value twice", fix="give it a weight: {VALUE: 2, …}"
            )
    else:
        raise ConfigError(
            f"attributes: {name!r} is {said!r}",
            fix="list its values, or map them to weights",
        )
    if not values or not all(value.strip() for value in values):
        raise ConfigError(f"attributes: {name!r} has no value, or an empty one", fix="list some")
    return values
