"""Objects that hold something open and are closed where a `with` block ends."""

from __future__ import annotations

from typing import Self


class Closing:
    """May stand in a `with` statement, at whose end it is closed, whatever happened in it."""

    def close(self) -> None:
        """Let go of what is held open; closing twice changes nothing."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
