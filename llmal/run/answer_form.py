"""What told answers must look like, before it is asked what they say."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from llmal.core.records import Annotation, AnnotatorKind, Usage
from llmal.errors import AnnotationError

_KINDS: tuple[str, ...] = get_args(AnnotatorKind)
_AS_WRITTEN = "llmal.Annotation(item_id=…, label=…, annotator=…, kind='human')"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: object, least: int) -> bool:
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return whole and bool(value >= least)  # type: ignore[operator]


def _are_probabilities(value: object) -> bool:
    # A little above one is what float16 leaves of one.
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(p, numbers.Real) and -1e-3 <= float(p) <= 1 + 1e-3
        for name, p in value.items()
    )


_FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "item_id": (_is_name, "give the id of an item, as a text"),
    "annotator": (_is_name, "say who answered: a name, as a text"),
    "kind": (lambda kind: kind in _KINDS, f"use one of {', '.join(_KINDS)}"),
    "stage": (lambda stage: isinstance(stage, str), "give the name of a stage, or leave it out"),
    "round": (
        lambda number: number is None or _is_whole(number, 0),
        "give the number of a round, from 0, or leave it out",
    ),
    "revision": (lambda number: _is_whole(number, 0), "count revisions from 0, or leave it out"),
    "task_version": (
        lambda number: _is_whole(number, 1),
        "count versions of the task from 1, or leave it out",
    ),
    "probabilities": (
        lambda value: value is None or _are_probabilities(value),
        "give a number from 0 to 1 for each label, by its name, or None",
    ),
    "rationale": (lambda text: text is None or isinstance(text, str), "give a text, or None"),
    "reason": (lambda text: text is None or isinstance(text, str), "give a text, or None"),
    "usage": (lambda usage: isinstance(usage, Usage), "give llmal.Usage(…), or leave it out"),
    "created": (
        lambda time: isinstance(time, numbers.Real) and math.isfinite(time),
        "give a time in seconds, as time.time() does, or leave it out",
    ),
}


def check_form(answers: object) -> list[Annotation]:
    """Answers as a list, each of whose fields holds what it may hold; labels are left for later.

    Raises:
        AnnotationError: They are no annotations, or a field of one is not usable; the message says
            which, counted from 1.
    """
    if isinstance(answers, Annotation | str | bytes | Mapping) or not isinstance(answers, Iterable):
        raise AnnotationError(
            f"answers are told as a list, and this is of the type {type(answers).__name__}",
            fix=f"give a list of {_AS_WRITTEN}",
        )
    told = list(answers)
    for number, one in enumerate(told, start=1):
        if not isinstance(one, Annotation):
            raise AnnotationError(
                f"answer {number} is of the type {type(one).__name__}, and no annotation; nothing "
                "of what was told with it is recorded",
                fix=f"give {_AS_WRITTEN}",
            )
        for name, (is_usable, fix) in _FIELDS.items():
            value = getattr(one, name)
            if not is_usable(value):
                raise AnnotationError(
                    f"answer {number} has {value!r} as its {name}, and nothing of what was told "
                    "with it is recorded",
                    fix=fix,
                )
    return told
