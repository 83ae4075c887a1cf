"""Published systems as configurations: one YAML file each, which a run's own file extends by name.

What the section `recipe` of such a file says (the paper, what is as there, what is not) is about
that file alone, and is not taken over.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from llmal.errors import ConfigError

_FOLDER = Path(__file__).parent


def recipe_names() -> list[str]:
    """The recipes that llmal comes with, by the alphabet."""
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def recipe_file(name: str) -> Path:
    """The file of a recipe.

    Raises:
        ConfigError: There is none of that name.
    """
    known = recipe_names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise ConfigError(
            f"there is no recipe named {name!r}",
            fix=f"{hint}; a file of yours is named with its ending, {name}.yaml",
        )
    return _FOLDER / f"{name}.yaml"
