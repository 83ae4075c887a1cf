"""Exports: what a run has in its ledger, in files that others read."""

from __future__ import annotations

from llmal.core.registry import Registry
from llmal.exporters.protocol import Exporter, Table

SUFFIXES = {".jsonl": "jsonl", ".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet"}
"""Which of llmal's exporters writes files of a name that ends so."""

REGISTRY = Registry(
    "exporters",
    {
        "jsonl": "llmal.exporters.files:JsonLines",
        "csv": "llmal.exporters.files:Csv",
        "xlsx": "llmal.exporters.files:Excel",
        "parquet": "llmal.exporters.files:Parquet",
        "hf": "llmal.exporters.files:HuggingFace",
    },
)
"""Names in the configuration and at `llmal export --format`, and what they stand for."""

__all__ = ["REGISTRY", "SUFFIXES", "Exporter", "Table"]
