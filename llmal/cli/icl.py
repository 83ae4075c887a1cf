"""`llmal icl choose` and `llmal icl rank-prompts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llmal.cli.models import language_model_of, planning_model_of
from llmal.cli.source import Source
from llmal.cli.spending import Spending, give_most
from llmal.cli.telling import give, results_only_on_stdout
from llmal.cli.wording import Wording, key_values
from llmal.core.tables import check_place
from llmal.errors import ConfigError
from llmal.factory.embedders import make_embedder
from llmal.functions.demonstration_choice import choose_demonstrations
from llmal.functions.results import Demonstrations
from llmal.lm.cache import ResponseCache
from llmal.lm.protocol import Normalise
from llmal.progress import ProgressDisplay, cost_in_words


def choose(
    source: Source,
    wording: Wording,
    *,
    strategy: str,
    shots: int,
    options: Sequence[str],
    order: str,
    calibrate: Sequence[str],
    spending: Spending,
    out: Path,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Choose demonstrations, calibrate through them, and write the prompt."""
    _check_out(out, force)
    config = source.config()
    template = wording.template()
    candidates = source.items(config, source.data, gold=True)
    unlabelled = (
        None if source.unlabelled is None else source.items(config, source.unlabelled, gold=False)
    )
    with (
        results_only_on_stdout(as_json),
        ProgressDisplay(quiet=quiet) as progress,
        planning_model_of(config, progress=progress)
        if spending.dry_run
        else language_model_of(config, quiet=quiet, progress=progress) as lm,
    ):
        if lm is None or config.lm is None:
            raise ConfigError("there is no language model to ask", where=str(source.task))
        if not spending.dry_run:
            lm.cache = ResponseCache(out.with_name(f"{out.name}.cache.sqlite"))
        shown = choose_demonstrations(
            candidates,
            shots,
            labels=config.task_object(),
            lm=lm,
            strategy=strategy,
            options=key_values(options, "--option"),
            order=order,
            calibrate=list(calibrate),
            unlabelled=unlabelled,
            embedder=make_embedder(config),
            prompt=template,
            normalise=wording.normalise,
            style=config.lm.prompt_style,
            seed=config.seed,
            budget=spending.budget(config),
            dry_run=spending.dry_run,
            progress=progress.step,
        )
    if spending.dry_run:
        give_most(shown.cost, "choosing costs", as_json=as_json)
        return
    shown.save(out, force=force)
    give(
        _as_data(shown, out, strategy, len(candidates), shots),
        _in_words(shown, out, len(candidates)),
        as_json=as_json,
    )


def _as_data(
    shown: Demonstrations, out: Path, strategy: str, candidates: int, shots: int
) -> dict[str, Any]:
    chosen = shown.prompt
    assert chosen is not None
    counts = Counter(item.gold or "" for item in chosen.demonstrations)
    return {
        "out": str(out),
        "strategy": strategy,
        "candidates": candidates,
        "shots": shots,
        "demonstrations": [item.id for item in chosen.demonstrations],
        "labels": {name: counts.get(name, 0) for name in chosen.task.names},
        "left_out": list(shown.left_out),
        "calibration": list(shown.calibration) or None,
        "with_and_without_calibration": (
            None if shown.comparison is None else shown.comparison.as_dict()
        ),
        "usage": {**shown.cost.as_dict(), "tokens": shown.cost.tokens},
    }


def _in_words(shown: Demonstrations, out: Path, candidates: int) -> str:
    chosen = shown.prompt
    assert chosen is not None
    if chosen.per_query:
        lines = [
            f"{chosen.shots} demonstrations are chosen for each query from "
            f"{len(chosen.candidates):,} candidates: {out}"
        ]
    else:
        counts = Counter(item.gold for item in chosen.demonstrations)
        labels = ", ".join(f"{counts[name]} {name}" for name in chosen.task.names)
        lines = [
            f"{len(chosen.demonstrations)} of {candidates:,} candidates are chosen "
            f"({labels}): {out}"
        ]
    if shown.calibration:
        lines.append(f"calibrated by {', '.join(shown.calibration)}")
    if shown.comparison is not None:
        lines.append(shown.comparison.sentence())
    cost = cost_in_words(shown.cost.as_dict())
    if cost:
        lines.append(f"cost: {cost}")
    lines.append(f"use it: llmal annotate --prompt {out} --data … --out …")
    return "\n".join(lines)


def rank(
    source: Source,
    wordings: Sequence[str],
    *,
    values: Sequence[str],
    normalise: Normalise,
    calibrate: str,
    labelled: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Rank prompts by what their answers tell, and by how many are right where that is known."""
    from llmal.few_shot.prompt_choice import rank_prompts
    from llmal.prompting.scorer import PromptScorer
    from llmal.prompting.style import StyleTrial

    config = source.config()
    task = config.task_object()
    templates = [Wording(wording, values).template() for wording in wordings]
    items = source.items(config, source.data, gold=labelled)
    with results_only_on_stdout(as_json), language_model_of(config, quiet=quiet) as lm:
        if lm is None or config.lm is None:
            raise ConfigError("there is no language model to ask", where=str(source.task))
        style = config.lm.prompt_style
        scorers = [
            PromptScorer(StyleTrial(task, template, lm, style).prompts, normalise)
            for template in templates
        ]
        ranked = rank_prompts(
            scorers,
            items,
            labelled=items if labelled else (),
            calibrator=calibrate,
            rng=np.random.default_rng(config.seed),
        )
    give(
        {"items": len(items), "prompts": [one.as_dict() for one in ranked]},
        _describe_ranking(ranked),
        as_json=as_json,
    )


def _describe_ranking(ranked: Sequence[Any]) -> str:
    head = ["", "prompt", "MI", "accuracy", "macro-F1", "tokens"]
    rows = [head]
    for place, one in enumerate(ranked, start=1):
        data = one.as_dict()
        rows.append(
            [
                str(place),
                Path(one.template.source).stem or one.template.name,
                f"{data['mutual_information']:.4f}",
                "" if data["accuracy"] is None else f"{data['accuracy']:.3f}",
                "" if data["macro_f1"] is None else f"{data['macro_f1']:.3f}",
                f"{one.cost.tokens:,}",
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _check_out(out: Path, force: bool) -> None:
    """See that the file can be written, before work is spent on it."""
    if out.suffix.lower() not in {".yaml", ".yml"}:
        raise ConfigError(f"{out.name!r} is no YAML file", where=str(out), fix="end it in .yaml")
    check_place(out, force=force)
