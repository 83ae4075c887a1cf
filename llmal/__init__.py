"""llmal: active learning around a language model.

Spend a few hours of human attention on a pool of unlabelled text, with a local LLM beside you.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.lazy import attributes

if TYPE_CHECKING:
    from llmal import (
        annotators,
        calibration,
        embed,
        generators,
        icl,
        learners,
        lm,
        perturb,
        report,
        selectors,
        stopping,
    )
    from llmal.annotators.few_shot_classifier import FewShotClassifier
    from llmal.budget import Budget
    from llmal.config import RunConfig, load_config
    from llmal.errors import LlmalError
    from llmal.functions.annotation import annotate
    from llmal.functions.demonstration_choice import choose_demonstrations
    from llmal.functions.generation import generate
    from llmal.functions.prediction import predict
    from llmal.functions.selection import select
    from llmal.learning_curve import LearningCurve
    from llmal.ledger import Ledger
    from llmal.orchestrator import Orchestrator, RunResult
    from llmal.pool import Pool
    from llmal.records import Annotation, Item, Price, Usage
    from llmal.selectors import RoundState
    from llmal.task import Label, Task

__version__ = "0.1.0"

_HOMES = {
    "Annotation": "records",
    "Budget": "budget",
    "FewShotClassifier": "annotators.few_shot_classifier",
    "Item": "records",
    "Label": "task",
    "LearningCurve": "learning_curve",
    "Ledger": "ledger",
    "LlmalError": "errors",
    "Orchestrator": "orchestrator",
    "Pool": "pool",
    "Price": "records",
    "RoundState": "selectors",
    "RunConfig": "config",
    "RunResult": "orchestrator",
    "Task": "task",
    "Usage": "records",
    "load_config": "config",
    "annotate": "functions.annotation",
    "choose_demonstrations": "functions.demonstration_choice",
    "generate": "functions.generation",
    "predict": "functions.prediction",
    "select": "functions.selection",
    "annotators": "",
    "calibration": "",
    "embed": "",
    "generators": "",
    "icl": "",
    "learners": "",
    "perturb": "",
    "lm": "",
    "report": "",
    "selectors": "",
    "stopping": "",
}

__all__ = [
    "Annotation",
    "Budget",
    "FewShotClassifier",
    "Item",
    "Label",
    "LearningCurve",
    "Ledger",
    "LlmalError",
    "Orchestrator",
    "Pool",
    "Price",
    "RoundState",
    "RunConfig",
    "RunResult",
    "Task",
    "Usage",
    "__version__",
    "annotate",
    "annotators",
    "calibration",
    "choose_demonstrations",
    "embed",
    "generate",
    "generators",
    "icl",
    "learners",
    "lm",
    "load_config",
    "perturb",
    "predict",
    "report",
    "select",
    "selectors",
    "stopping",
]


__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
