"""The configuration of a run: YAML, checked, with the line of every mistake."""

from __future__ import annotations

from llmal.config.annotator_sections import (
    GeneratorConfig,
    HumanAnnotatorConfig,
    LearnedAnnotatorConfig,
    LLMAnnotatorConfig,
    PlugInAnnotatorConfig,
    PlugInGeneratorConfig,
    ProgramsAnnotatorConfig,
    RecordedAnnotatorConfig,
    SimilarityAnnotatorConfig,
)
from llmal.config.data_sections import DataConfig, LabelConfig, TaskConfig
from llmal.config.load import load_config, parse_config
from llmal.config.model_sections import EmbedderConfig, LMConfig, PriceConfig
from llmal.config.references import HubDataset
from llmal.config.schema import LearnerConfig, RunConfig, SelectorConfig, StartConfig
from llmal.config.stop_sections import (
    AgreementSettledConfig,
    BudgetConfig,
    EntropySettledConfig,
    GainBelowCostConfig,
    PlateauConfig,
    PredictedTargetConfig,
    StoppingRule,
    TargetAccuracyConfig,
)

__all__ = [
    "AgreementSettledConfig",
    "BudgetConfig",
    "DataConfig",
    "EmbedderConfig",
    "EntropySettledConfig",
    "GainBelowCostConfig",
    "GeneratorConfig",
    "HubDataset",
    "HumanAnnotatorConfig",
    "LLMAnnotatorConfig",
    "LMConfig",
    "LabelConfig",
    "LearnedAnnotatorConfig",
    "LearnerConfig",
    "PlateauConfig",
    "PlugInAnnotatorConfig",
    "PlugInGeneratorConfig",
    "PredictedTargetConfig",
    "PriceConfig",
    "ProgramsAnnotatorConfig",
    "RecordedAnnotatorConfig",
    "RunConfig",
    "SelectorConfig",
    "SimilarityAnnotatorConfig",
    "StartConfig",
    "StoppingRule",
    "TargetAccuracyConfig",
    "TaskConfig",
    "load_config",
    "parse_config",
]
