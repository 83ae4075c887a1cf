"""Words of a task, from which soft prompts start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from llmal.task import Task


def initial_words(
    instruction: str, classes: NDArray[Any], words: Sequence[str] | None = None
) -> str:
    """The instruction and the classes' words, as one text; never empty.

    Args:
        instruction: Guidelines of the task.
        classes: The classes; their names are taken where they have some.
        words: The classes' words.
    """
    if words is None:
        words = [str(one) for one in classes] if classes.dtype.kind == "U" else []
    return " ".join(part for part in (instruction.strip(), ", ".join(words)) if part) or "label"


def words_offered(task: Task) -> dict[str, Any]:
    """What a learner over a language model may have: the words of the labels, which a run names by
    their columns, and the guidelines.
    """
    words = {str(column): label.verbalizers[0] for column, label in enumerate(task.labels)}
    return {"verbalizers": words, "instruction": task.guidelines}
