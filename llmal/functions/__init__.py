"""One call for one job: label rows, choose rows to label, write new texts, choose demonstrations.

Names are imported when they are first used; `llmal` itself has them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes

if TYPE_CHECKING:
    from llmal.functions.annotation import annotate as annotate
    from llmal.functions.demonstration_choice import (
        choose_demonstrations as choose_demonstrations,
    )
    from llmal.functions.generation import generate as generate
    from llmal.functions.prediction import predict as predict
    from llmal.functions.results import Annotated as Annotated
    from llmal.functions.results import Demonstrations as Demonstrations
    from llmal.functions.results import Generated as Generated
    from llmal.functions.results import Picked as Picked
    from llmal.functions.results import Results as Results
    from llmal.functions.selection import select as select
    from llmal.functions.trials import Trials as Trials
    from llmal.functions.trials import trial as trial

_HOMES = {
    "Annotated": "results",
    "Demonstrations": "results",
    "Generated": "results",
    "Picked": "results",
    "Results": "results",
    "Trials": "trials",
    "annotate": "annotation",
    "choose_demonstrations": "demonstration_choice",
    "generate": "generation",
    "predict": "prediction",
    "select": "selection",
    "trial": "trials",
}

__all__ = [
    "Annotated",
    "Demonstrations",
    "Generated",
    "Picked",
    "Results",
    "Trials",
    "annotate",
    "choose_demonstrations",
    "generate",
    "predict",
    "select",
    "trial",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
