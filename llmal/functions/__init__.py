"""One call for one job: label rows, choose rows to label, write new texts, choose demonstrations.

Names are imported when they are first used; `llmal` itself has them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes

if TYPE_CHECKING:
    from llmal.functions.annotation import annotate as annotate
    from llmal.functions.audit_drawing import draw_audit as draw_audit
    from llmal.functions.certification import certify as certify
    from llmal.functions.certified import Certified as Certified
    from llmal.functions.demonstration_choice import (
        choose_demonstrations as choose_demonstrations,
    )
    from llmal.functions.forecasting import forecast as forecast
    from llmal.functions.generation import generate as generate
    from llmal.functions.label_result import LabelResult as LabelResult
    from llmal.functions.labelling import label as label
    from llmal.functions.prediction import predict as predict
    from llmal.functions.results import Annotated as Annotated
    from llmal.functions.results import Demonstrations as Demonstrations
    from llmal.functions.results import Generated as Generated
    from llmal.functions.results import Picked as Picked
    from llmal.functions.results import Results as Results
    from llmal.functions.savings import Savings as Savings
    from llmal.functions.selection import select as select
    from llmal.functions.trials import Trials as Trials
    from llmal.functions.trials import trial as trial

_HOMES = {
    "Annotated": "results",
    "Certified": "certified",
    "Demonstrations": "results",
    "Generated": "results",
    "LabelResult": "label_result",
    "Picked": "results",
    "Results": "results",
    "Savings": "savings",
    "Trials": "trials",
    "annotate": "annotation",
    "certify": "certification",
    "choose_demonstrations": "demonstration_choice",
    "draw_audit": "audit_drawing",
    "forecast": "forecasting",
    "generate": "generation",
    "label": "labelling",
    "predict": "prediction",
    "select": "selection",
    "trial": "trials",
}

__all__ = [
    "Annotated",
    "Certified",
    "Demonstrations",
    "Generated",
    "LabelResult",
    "Picked",
    "Results",
    "Savings",
    "Trials",
    "annotate",
    "certify",
    "choose_demonstrations",
    "draw_audit",
    "forecast",
    "generate",
    "label",
    "predict",
    "select",
    "trial",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
