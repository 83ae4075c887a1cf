"""One call for one job: label rows, choose rows to label, write new texts, choose demonstrations.

Names are imported when they are first used; `llmal` itself has them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.lazy import attributes

if TYPE_CHECKING:
    from llmal.functions.annotation import annotate as annotate
    from llmal.functions.results import Annotated as Annotated
    from llmal.functions.results import Picked as Picked
    from llmal.functions.results import Results as Results
    from llmal.functions.selection import select as select

_HOMES = {
    "Annotated": "results",
    "Results": "results",
    "annotate": "annotation",
    "select": "selection",
    "Picked": "results",
}

__all__ = ["Annotated", "Picked", "Results", "annotate", "select"]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
