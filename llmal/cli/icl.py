"""`llmal icl choose` and `llmal icl rank-prompts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import Context
from llmal.cli.models import language_model_of
from llmal.cli.progress import cost_in_words
from llmal.cli.run import with_options
from llmal.cli.tables import check_place
from llmal.cli.telling import give, results_only_on_stdout
from llmal.config import RunConfig, load_config
from llmal.config.yaml_lines import scalar
from llmal.errors import ConfigError, DataError
from llmal.factory import make_embedder, open_pool
from llmal.icl.chosen import ChosenPrompt
from llmal.lm.cache import ResponseCache
from llmal.lm.protocol import Normalise
from llmal.pool import Pool
from llmal.prompt_templates import PromptTemplate, load_prompt
from llmal.records import Item


@dataclass(frozen=True)
class Source:
    """Where task, texts and model come from.

    Attributes:
        task: A YAML file with the section `task`, such as the configuration of a run.
        data: File with labelled texts; by default the pool of that configuration.
        gold: Column with the labels; by default the configuration's, or "label".
        unlabelled: File with texts for calibration that needs no labels; by default the labelled
            ones.
        model: In place of the configuration's.
        url: Likewise.
        backend: Likewise.
        most: Most texts that are drawn from a file.
        seed: In place of the configuration's.
    """

    task: Path
    data: Path | None = None
    gold: str | None = None
    unlabelled: Path | None = None
    model: str | None = None
    url: str | None = None
    backend: str | None = None
    most: int = 1000
    seed: int | None = None

    def config(self) -> RunConfig:
        """The configuration that these make."""
        given: dict[str, dict[str, Any]] = {}
        data = {"pool": None if self.data is None else str(self.data.absolute()), "gold": self.gold}
        lm = {"model": self.model, "url": self.url, "backend": self.backend}
        for section, values in (("data", data), ("lm", lm)):
            kept = {key: value for key, value in values.items() if value is not None}
            if kept:
                given[section] = kept
        config = load_config(self.task, given=given)
        if config.lm is None:
            raise ConfigError(
                "there is no language model to ask",
                where=str(self.task),
                fix="add the section 'lm', or give --model or --url",
            )
        return with_options(config, directory=None, seed=self.seed)

    def items(self, config: RunConfig, file: Path | None, *, gold: bool) -> list[Item]:
        """At most `most` items of a file, drawn at random; the same ones for the same seed."""
        column = (config.data.gold or "label") if gold else None
        if file is None and column is not None:
            data = config.data.model_copy(update={"gold": column})
            pool = open_pool(config.model_copy(update={"data": data}), data.pool)
        elif file is None:
            pool = open_pool(config, config.data.pool)
        else:
            pool = Pool.from_file(file, text=list(config.task.text), gold=column)
        if gold:
            pool.check_labels(config.task_object())
        positions = np.arange(len(pool))
        if gold:
            known = [place for place, one in enumerate(pool.gold()) if one is not None]
            positions = np.asarray(known, dtype=np.int64)
        rng = np.random.default_rng(config.seed)
        if len(positions) > self.most:
            positions = np.sort(rng.choice(positions, self.most, replace=False))
        return pool.items(positions)


@dataclass(frozen=True)
class Wording:
    """The prompt and how its answers are read.

    Attributes:
        prompt: Name or path of the prompt.
        values: "key=value" for its defaults.
        normalise: How labels of several tokens are compared.
    """

    prompt: str = "label"
    values: Sequence[str] = ()
    normalise: Normalise = "sum"

    def template(self) -> PromptTemplate:
        """The prompt with its values."""
        values = {key: str(value) for key, value in key_values(self.values, "--set").items()}
        return load_prompt(self.prompt).with_values(values)


def key_values(words: Sequence[str], option: str) -> dict[str, Any]:
    """Words of the form key=value, the values read as YAML reads them."""
    found: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key.strip():
            raise ConfigError(f"{option} {word!r} is not key=value", fix="such as copies=8")
        found[key.strip()] = scalar(value)
    return found


def choose(
    source: Source,
    wording: Wording,
    *,
    strategy: str,
    shots: int,
    options: Sequence[str],
    order: str,
    calibrate: Sequence[str],
    out: Path,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Choose demonstrations, calibrate through them, and write the prompt."""
    _check_out(out, force)
    config = source.config()
    task = config.task_object()
    template = wording.template()
    chosen_options = key_values(options, "--option")
    candidates = source.items(config, source.data, gold=True)
    if len(candidates) < shots:
        raise DataError(
            f"{shots} shots are wanted and there are {len(candidates)} labelled texts",
            where=str(source.data or config.data.pool),
            fix="give more, or lower --shots",
        )
    unlabelled = (
        candidates
        if source.unlabelled is None
        else source.items(config, source.unlabelled, gold=False)
    )
    with results_only_on_stdout(as_json), language_model_of(config, quiet=quiet) as lm:
        if lm is None:
            raise ConfigError("there is no language model to ask", where=str(source.task))
        lm.cache = ResponseCache(out.with_name(f"{out.name}.cache.sqlite"))
        annotator = LLMAnnotator(
            task,
            lm,
            shots=shots,
            demonstrations=strategy,
            options=chosen_options,
            order=order,
            calibrate=list(calibrate),
            embedder=make_embedder(config),
            prompt=template,
            style=config.lm.prompt_style if config.lm is not None else "auto",
            normalise=wording.normalise,
        )
        prepared = annotator.prepare(
            Context(demonstrations=candidates, unlabelled=unlabelled, seed=config.seed)
        )
        chosen = ChosenPrompt.of(
            prepared,
            strategy=strategy,
            options=chosen_options,
            order=order,
            cost=prepared.usage + annotator.setup_cost(),
        )
    chosen.save(out)
    counts = Counter(item.gold or "" for item in chosen.demonstrations)
    result = {
        "out": str(out),
        "strategy": strategy,
        "candidates": len(candidates),
        "shots": shots,
        "demonstrations": [item.id for item in chosen.demonstrations],
        "labels": {name: counts.get(name, 0) for name in task.names},
        "left_out": list(prepared.left_out),
        "calibration": None if chosen.calibration is None else list(calibrate),
        "usage": {**chosen.cost.as_dict(), "tokens": chosen.cost.tokens},
    }
    give(result, _chosen_in_words(chosen, result), as_json=as_json)


def _chosen_in_words(chosen: ChosenPrompt, result: dict[str, Any]) -> str:
    if chosen.per_query:
        lines = [
            f"{chosen.shots} demonstrations are chosen for each query from "
            f"{len(chosen.candidates):,} candidates: {result['out']}"
        ]
    else:
        shown = ", ".join(f"{n} {label}" for label, n in result["labels"].items())
        lines = [
            f"{len(chosen.demonstrations)} of {result['candidates']:,} candidates are chosen "
            f"({shown}): {result['out']}"
        ]
    if result["calibration"]:
        lines.append(f"calibrated by {', '.join(result['calibration'])}")
    cost = cost_in_words(chosen.cost.as_dict())
    if cost:
        lines.append(f"cost: {cost}")
    lines.append(f"use it: llmal annotate --prompt {result['out']} --data … --out …")
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
    from llmal.icl.prompt_choice import rank_prompts
    from llmal.icl.scorer import PromptScorer
    from llmal.icl.style import labelling_prompts

    config = source.config()
    task = config.task_object()
    templates = [Wording(one, values).template() for one in wordings]
    items = source.items(config, source.data, gold=labelled)
    with results_only_on_stdout(as_json), language_model_of(config, quiet=quiet) as lm:
        if lm is None or config.lm is None:
            raise ConfigError("there is no language model to ask", where=str(source.task))
        style = config.lm.prompt_style
        scorers = [
            PromptScorer(labelling_prompts(task, one, lm, style), normalise) for one in templates
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
        _ranked_in_words(ranked),
        as_json=as_json,
    )


def _ranked_in_words(ranked: Sequence[Any]) -> str:
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
