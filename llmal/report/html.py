"""The figures of a report as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llmal.report import charts
from llmal.report.map_chart import pool_map_chart

if TYPE_CHECKING:
    from jinja2 import Environment

KINDS = {
    "llm": "language model",
    "human": "people",
    "similarity": "text similarity",
    "recorded": "recorded labels",
    "audit": "people, in the audit",
    "learner": "the learner, taught by people's labels",
}
STATUS = {
    "finished": "Finished",
    "waiting": "Waiting for people to answer; run it again once they have",
    "interrupted": "Interrupted; run it again and it goes on from there",
    "running": "Still running when this was written",
}
OBJECTIVES = {
    "model": "the best learner from a budget of labels",
    "labels": "every item of the pool labelled",
}
STATES = {
    "deferred": "passed on",
    "abstained": "no label given",
    "open": "no answer yet",
    "accepted": "not settled",
}
STANDING = {
    "holds": "The promise holds",
    "in part": "A promise holds for part of the labels",
    "void": "Void: nothing is promised of these labels any more",
    "not held": "What was asked for cannot be promised",
    "not yet": "Nothing is promised yet",
}
UNLABELLED = {
    "waiting": "waiting for people",
    "skipped": "skipped by people",
    "not settled": "answered by nobody whose answer may stand",
    "never asked": "not asked about",
}
NOTHING = "–"


def render(figures: Mapping[str, Any]) -> str:
    """One self-contained page: inline style and drawings, no script, nothing fetched.

    All that comes from data (texts, labels, names, messages) is escaped; besides, the page forbids
    scripts and every request to its browser.

    Args:
        figures: What `figures.collect` made, or the same read back from `report.json`.
    """
    import yaml

    config = figures["config"]
    # A report that was written before there were maps has none.
    drawn = figures.get("map")
    promised = figures.get("guarantee")
    if config is not None:
        config = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=96)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            f=figures,
            curve_chart=charts.learning_curve(figures["learning_curve"]),
            reliability_charts=[
                charts.reliability(one["calibration"], number) if one["calibration"] else None
                for number, one in enumerate(figures["machines"])
            ],
            distribution_chart=charts.distribution(figures["distribution"]),
            map=drawn,
            map_chart=None if drawn is None else pool_map_chart(drawn, figures["rounds"]),
            config=config,
            status=STATUS.get(figures["status"], figures["status"]),
            objective=OBJECTIVES.get(figures["objective"], figures["objective"]),
            states=STATES,
            # A report that was written before has none.
            people=figures.get("people"),
            unlabelled=UNLABELLED,
            promised=promised,
            reason=figures["stop_reason"],
            standing=STANDING,
            baseline_at={
                one["labelled"]: one for one in figures["learning_curve"]["baseline"] or []
            },
        )
    )


def environment() -> Environment:
    """What fills the templates of pages: it escapes all that comes from data."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # By hand, since the automatic choice goes by file names and would not know ".j2".
    made = Environment(
        loader=PackageLoader("llmal.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        count=count,
        percent=percent,
        interval=interval,
        decimal=decimal,
        duration=duration,
        moment=moment,
        money=money,
        kind=lambda name: KINDS.get(name, name),
        share=share,
        unbroken=lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%"),
        capitalize_first=lambda text: text[:1].upper() + text[1:],
    )
    return made


def count(value: float | None) -> str:
    """A number of things."""
    return NOTHING if value is None else f"{value:,.0f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share."""
    return NOTHING if value is None else f"{value:.{digits}%}"


def share(value: float) -> str:
    """A share that somebody has named, such as 5 %, with no more digits than it has."""
    return f"{value * 100:.4g}%"


def interval(share: Mapping[str, Any] | None) -> str:
    """The ends of an interval of a share."""
    if share is None or share["low"] is None:
        return NOTHING
    return f"{share['low'] * 100:.1f}–{share['high']:.1%}"


def decimal(value: float | None, digits: int = 3) -> str:
    """A number without a unit."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def money(value: float) -> str:
    """An amount in the currency of the prices that were configured; small ones with more digits."""
    if value == 0:
        return "0"
    return f"{value:,.2f}" if value >= 1 else f"{value:.4f}"


def duration(seconds: float | None) -> str:
    """A time span in the two units that matter."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def moment(unix: float | None) -> str:
    """A point in time, in UTC since a report travels."""
    if unix is None:
        return NOTHING
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M UTC")
