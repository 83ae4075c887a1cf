"""Words of a task, from which soft prompts start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray


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
