"""The page about synthetic items: how varied, how much like real ones, how right."""

from __future__ import annotations

from llmal.report.synthetic.audit import JudgedSample, drawn_sample
from llmal.report.synthetic.figures import collect_synthetic
from llmal.report.synthetic.page import render_synthetic

__all__ = ["JudgedSample", "collect_synthetic", "drawn_sample", "render_synthetic"]
