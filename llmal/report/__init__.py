"""The report of a run: figures as plain data, and one HTML page that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes
from llmal.report.figures import collect
from llmal.report.html import render
from llmal.report.record import RunRecord
from llmal.report.write import write_report

if TYPE_CHECKING:
    from llmal.report.gather import record_of, write_run

__all__ = ["RunRecord", "collect", "record_of", "render", "write_report", "write_run"]

# They read the ledger, and SQLAlchemy with it, which figures and page do without.
__getattr__ = attributes(__name__, {"record_of": "gather", "write_run": "gather"})


def __dir__() -> list[str]:
    return sorted(__all__)
