"""What an answer is: one folder knows it, and everything else asks."""

from __future__ import annotations

from llmal.task.spaces.form import AnswerForm
from llmal.task.spaces.kinds import (
    KINDS,
    REGISTRY,
    TaskKind,
    WorksIn,
    check_kind,
    fits,
    kinds_of,
    make_space,
    name_and_options,
    refuse_unless,
)
from llmal.task.spaces.multi import Multi
from llmal.task.spaces.protocol import Space, SpaceKind
from llmal.task.spaces.single import Single

__all__ = [
    "KINDS",
    "REGISTRY",
    "AnswerForm",
    "Multi",
    "Single",
    "Space",
    "SpaceKind",
    "TaskKind",
    "WorksIn",
    "check_kind",
    "fits",
    "kinds_of",
    "make_space",
    "name_and_options",
    "refuse_unless",
]
