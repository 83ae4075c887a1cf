"""llmal: active learning around a language model.

Spend a few hours of human attention on a pool of unlabelled text, with a local LLM beside you.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes

if TYPE_CHECKING:
    from llmal import (
        annotators,
        calibration,
        demonstrations,
        embed,
        few_shot,
        generators,
        guarantee,
        learners,
        lm,
        perturb,
        prompting,
        report,
        selectors,
        stopping,
    )
    from llmal.annotators.few_shot_classifier import FewShotClassifier
    from llmal.config import RunConfig, load_config
    from llmal.core.records import Annotation, Item, Price, Usage
    from llmal.errors import LlmalError
    from llmal.functions.annotation import annotate
    from llmal.functions.audit_drawing import draw_audit
    from llmal.functions.certification import certify
    from llmal.functions.demonstration_choice import choose_demonstrations
    from llmal.functions.forecasting import forecast
    from llmal.functions.generation import generate
    from llmal.functions.labelling import label
    from llmal.functions.prediction import predict
    from llmal.functions.selection import select
    from llmal.functions.training import train
    from llmal.functions.trials import trial
    from llmal.guarantee.certificate import Certificate
    from llmal.guarantee.guarantee import Guarantee
    from llmal.learners.saved import load_learner
    from llmal.ledger import Ledger
    from llmal.pool import Pool
    from llmal.run.budget import Budget
    from llmal.run.campaign import Campaign
    from llmal.run.known_labels import KnownLabels
    from llmal.run.orchestrator import Orchestrator
    from llmal.run.result import RunResult
    from llmal.run.work_order import WorkOrder
    from llmal.selectors import RoundState
    from llmal.statistics.learning_curve import LearningCurve
    from llmal.task import Label, Task

__version__ = "0.1.0"

_HOMES = {
    "Annotation": "core.records",
    "Budget": "run.budget",
    "Campaign": "run.campaign",
    "Certificate": "guarantee.certificate",
    "FewShotClassifier": "annotators.few_shot_classifier",
    "Guarantee": "guarantee.guarantee",
    "Item": "core.records",
    "KnownLabels": "run.known_labels",
    "Label": "task",
    "LearningCurve": "statistics.learning_curve",
    "Ledger": "ledger",
    "LlmalError": "errors",
    "Orchestrator": "run.orchestrator",
    "Pool": "pool",
    "Price": "core.records",
    "RoundState": "selectors",
    "RunConfig": "config",
    "RunResult": "run.result",
    "Task": "task",
    "Usage": "core.records",
    "WorkOrder": "run.work_order",
    "load_config": "config",
    "load_learner": "learners.saved",
    "annotate": "functions.annotation",
    "certify": "functions.certification",
    "choose_demonstrations": "functions.demonstration_choice",
    "draw_audit": "functions.audit_drawing",
    "forecast": "functions.forecasting",
    "generate": "functions.generation",
    "label": "functions.labelling",
    "predict": "functions.prediction",
    "select": "functions.selection",
    "train": "functions.training",
    "trial": "functions.trials",
    "annotators": "",
    "calibration": "",
    "demonstrations": "",
    "embed": "",
    "few_shot": "",
    "generators": "",
    "guarantee": "",
    "icl": "",  # for one version more; each of its names says where it is now
    "learners": "",
    "lm": "",
    "perturb": "",
    "prompting": "",
    "report": "",
    "selectors": "",
    "stopping": "",
}

__all__ = [
    "Annotation",
    "Budget",
    "Campaign",
    "Certificate",
    "FewShotClassifier",
    "Guarantee",
    "Item",
    "KnownLabels",
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
    "WorkOrder",
    "__version__",
    "annotate",
    "annotators",
    "calibration",
    "certify",
    "choose_demonstrations",
    "demonstrations",
    "draw_audit",
    "embed",
    "few_shot",
    "forecast",
    "generate",
    "generators",
    "guarantee",
    "label",
    "learners",
    "lm",
    "load_config",
    "load_learner",
    "perturb",
    "predict",
    "prompting",
    "report",
    "select",
    "selectors",
    "stopping",
    "train",
    "trial",
]


__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
