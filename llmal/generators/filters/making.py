"""From a list of names, mappings, functions and filters to a chain of filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmal.core.registry import Registry, Where
from llmal.errors import ConfigError
from llmal.generators.filters.function import FunctionFilter, Judge
from llmal.generators.protocol import Filter

REGISTRY = Registry(
    "filters",
    {
        "boilerplate": "llmal.generators.filters.boilerplate:Boilerplate",
        "callable": "llmal.generators.filters.function:FunctionFilter",
        "format_length": "llmal.generators.filters.format_length:FormatAndLength",
        "informative": "llmal.generators.filters.informative:Informative",
        "label_agreement": "llmal.generators.filters.label_agreement:LabelAgreement",
        "language": "llmal.generators.filters.language:Language",
        "leakage": "llmal.generators.filters.leakage:Leakage",
        "learner_agreement": "llmal.generators.filters.learner_agreement:LearnerAgreement",
        "minhash": "llmal.generators.filters.minhash:MinHash",
        "near_duplicates": "llmal.generators.filters.near_duplicates:NearDuplicates",
        "novelty": "llmal.generators.filters.novelty:Novelty",
        "repetition": "llmal.generators.filters.repetition:Repetition",
    },
)
"""Names of filters, and the classes that they stand for."""

DEFAULT = ("format_length", "near_duplicates", "label_agreement")
"""The filters of a generator for which none are named; cheap ones first."""

FilterLike = Filter | Judge | str | Mapping[str, Any]
"""A filter, a function of a text, a name, or a mapping of a name and options."""


def make_filters(
    filters: Sequence[FilterLike] | None,
    *,
    offers: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    where: Callable[[int], Where] | None = None,
) -> list[Filter]:
    """The filters of a list, in its order.

    Args:
        filters: The list, in which the name "default" stands for those of `DEFAULT`. None: these.
        offers: What filters may have from the caller, if they take a parameter of that name.
        settings: By name of a filter, options that it has unless the list says otherwise.
        where: Gives for the number of a filter what says where its keys stand in a file.

    Raises:
        ConfigError: A name or an option is unknown, or something is no filter.
    """
    made: list[Filter] = []
    for number, one in enumerate(("default",) if filters is None else filters):
        for part in _parts(one):
            if isinstance(part, Filter):
                made.append(part)
                continue
            name, options = part
            made.append(
                REGISTRY.make(
                    name,
                    {**(settings or {}).get(name, {}), **options},
                    offers=offers,
                    where=None if where is None or filters is None else where(number),
                )
            )
    return made


def _parts(one: FilterLike) -> Sequence[Filter | tuple[str, Mapping[str, Any]]]:
    """The names with options that a member of the list stands for, or the filter that it is."""
    if isinstance(one, str):
        return [(name, {}) for name in (DEFAULT if one == "default" else (one,))]
    if isinstance(one, Mapping):
        options = dict(one)
        name = options.pop("name", None)
        if not isinstance(name, str):
            raise ConfigError(f"a filter has no name: {dict(one)!r}", fix="add name:")
        return [(name, options)] if options else _parts(name)
    if isinstance(one, Filter):
        return [one]
    if callable(one):
        return [FunctionFilter(one)]
    raise ConfigError(
        f"{one!r} is no filter",
        fix=f"give a filter, a function of a text, or one of {', '.join(REGISTRY.names())}",
    )
