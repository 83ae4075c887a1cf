"""`llmal forecast`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmal.cli.data_file import DataFile
from llmal.cli.models import planning_model_of
from llmal.cli.run_directory import has_ledger, names_its_model, read_run_directory
from llmal.cli.telling import give, results_only_on_stdout
from llmal.config import load_config
from llmal.errors import ConfigError
from llmal.factory.kept_config import FILE
from llmal.factory.orchestrator import build
from llmal.functions.forecasting import forecast as forecast_file
from llmal.guarantee.forecast import EPSILONS, Forecast, Rates

if TYPE_CHECKING:
    from llmal.config import RunConfig


@dataclass(frozen=True)
class FileOfLabels:
    """Labels of any system.

    Attributes:
        file: The file.
        score: Column with how much each label is trusted.
        label: Column with the labels.
        audit: Column with what people say.
        audit_only: Nothing is learnt from people before the audit.
        confidence: With what probability a promise holds.
        level: How often the interval should hold what is needed.
    """

    file: DataFile
    score: str | None
    label: str | None
    audit: str | None
    audit_only: bool
    confidence: float
    level: float


def forecast(
    run: Path | None,
    file: FileOfLabels | None,
    *,
    max_error: Sequence[float],
    rates: Rates,
    as_json: bool,
) -> None:
    """Say how many labels a promise will take of people."""
    if (run is None) == (file is None):
        raise ConfigError(
            "it is not said what to forecast",
            fix="name a run directory, or a file with --data, --label, --score and --audit",
        )
    with results_only_on_stdout(as_json):
        found = _of_run(run, max_error, rates) if run is not None else None
        if file is not None:
            found = _of_file(file, max_error, rates)
    assert found is not None
    give(found.as_dict(), found.text(), as_json=as_json)


def _of_file(file: FileOfLabels, max_error: Sequence[float], rates: Rates) -> Forecast:
    if file.score is None:
        raise ConfigError(
            "there is no column with how sure each label is", fix="name it with --score"
        )
    return forecast_file(
        file.file.path,
        score=file.score,
        label=file.label,
        audit=file.audit,
        max_error=tuple(max_error) or EPSILONS,
        confidence=file.confidence,
        level=file.level,
        audit_only=file.audit_only,
        cost_per_label=rates.money,
        seconds_per_label=rates.seconds,
        currency=rates.currency,
        labels=file.file.labels,
        kind=file.file.kind,
        reading=file.file.reading,
    )


def _of_run(run: Path, max_error: Sequence[float], rates: Rates) -> Forecast:
    path = run / FILE if run.is_dir() else run
    if not path.is_file():
        raise ConfigError(
            f"there is no {FILE}, so this is no run directory",
            where=str(run),
            fix="give the directory of a run that was started with llmal run or llmal label",
        )
    if run.is_dir() and not names_its_model(run):
        config, _ = read_run_directory(run)
    else:
        config = load_config(path)
    if not has_ledger(config):
        raise ConfigError(
            "the run has not begun", where=str(run), fix="llmal plan says what to expect of it"
        )
    found = of_config(config, max_error, rates)
    if found is None:
        raise ConfigError(
            "nothing can be forecast yet: no machine has answered, or none says how sure it is and "
            "no person has labelled anything; or the run works for no promise",
            where=str(run),
            fix="go on with it first, by llmal run or llmal label",
        )
    return found


def of_config(
    config: RunConfig, max_error: Sequence[float] = (), rates: Rates | None = None
) -> Forecast | None:
    """The forecast of a run that has begun, by its ledger; None where nothing can be said."""
    with planning_model_of(config) as lm, build(config, lm=lm).campaign as campaign:
        return campaign.forecast(tuple(max_error) or EPSILONS, rates)
