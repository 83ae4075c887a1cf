"""Annotators: who gives labels, and who is asked about what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes
from llmal.core.registry import Registry

if TYPE_CHECKING:
    from llmal.annotators.few_shot_classifier import FewShotClassifier
    from llmal.annotators.human_function import HumanFunction
    from llmal.annotators.human_queue import HumanQueue
    from llmal.annotators.learned import LearnedAnnotator
    from llmal.annotators.llm import LLMAnnotator
    from llmal.annotators.outside import Outside
    from llmal.annotators.programs.annotator import LabellingPrograms
    from llmal.annotators.programs.file import Program, read_programs, save_programs
    from llmal.annotators.programs.sandbox import Sandbox
    from llmal.annotators.programs.writer import ProgramWriter
    from llmal.annotators.protocol import Annotator, Context, drawn_texts
    from llmal.annotators.recorded import Recorded
    from llmal.annotators.router import AcceptanceRule, Router, Stage, Threshold
    from llmal.annotators.similarity import SimilarityAnnotator
    from llmal.annotators.simulated import SimulatedHuman
    from llmal.annotators.worker_files import WorkerFiles

_HOMES = {
    "FewShotClassifier": "few_shot_classifier",
    "LLMAnnotator": "llm",
    "LabellingPrograms": "programs.annotator",
    "LearnedAnnotator": "learned",
    "Program": "programs.file",
    "ProgramWriter": "programs.writer",
    "Sandbox": "programs.sandbox",
    "read_programs": "programs.file",
    "save_programs": "programs.file",
    "SimilarityAnnotator": "similarity",
    "SimulatedHuman": "simulated",
    "Recorded": "recorded",
    "HumanFunction": "human_function",
    "HumanQueue": "human_queue",
    "WorkerFiles": "worker_files",
    "Outside": "outside",
    "Router": "router",
    "Stage": "router",
    "Threshold": "router",
    "AcceptanceRule": "router",
    "Annotator": "protocol",
    "Context": "protocol",
    "drawn_texts": "protocol",
}

REGISTRY = Registry(
    "annotators",
    {
        "llm": "llmal.annotators.llm:LLMAnnotator",
        "labelling_programs": "llmal.annotators.programs.annotator:LabellingPrograms",
        "learned": "llmal.annotators.learned:LearnedAnnotator",
        "similarity": "llmal.annotators.similarity:SimilarityAnnotator",
        "recorded": "llmal.annotators.recorded:Recorded",
        "human": "llmal.annotators.human:make_human",
    },
)

__all__ = [
    "REGISTRY",
    "AcceptanceRule",
    "Annotator",
    "Context",
    "FewShotClassifier",
    "HumanFunction",
    "HumanQueue",
    "LLMAnnotator",
    "LabellingPrograms",
    "LearnedAnnotator",
    "Outside",
    "Program",
    "ProgramWriter",
    "Recorded",
    "Router",
    "Sandbox",
    "SimilarityAnnotator",
    "SimulatedHuman",
    "Stage",
    "Threshold",
    "WorkerFiles",
    "drawn_texts",
    "read_programs",
    "save_programs",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
