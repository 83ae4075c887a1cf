"""`llmal generate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llmal.cli.demonstrations import labelled_by_people
from llmal.cli.models import language_model_of
from llmal.cli.telling import give, results_only_on_stdout
from llmal.config import GeneratorConfig, load_config
from llmal.errors import ConfigError
from llmal.factory import make_embedder, make_generator, open_pool
from llmal.generators import Request, generate_filtered
from llmal.lm.cache import ResponseCache
from llmal.progress import ProgressDisplay, cost_in_words, say
from llmal.records import Item, SyntheticItem, Usage
from llmal.tables import Column, check_output, text_columns, write_table

_COLUMNS = ("id", "label", "synthetic", "accepted", "refused_by", "reason", "generator")


def generate(
    path: Path,
    *,
    k: int,
    label: str | None,
    out: Path,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write synthetic items with the generator of a configuration, outside a run."""
    config = load_config(path)
    format = check_output(out, force=force)
    task = config.task_object()
    if label is not None:
        label = task.names[task.index(task.match(label) or label)]
    wanted = list(task.names) if label is None else [label]
    if config.lm is None:
        raise ConfigError(
            "there is no language model to write items",
            where=str(path),
            fix="add the section 'lm'",
        )
    section = config.generator or GeneratorConfig(name="class_conditional")
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        pool = open_pool(config, config.data.pool)
        test = None if config.data.test is None else open_pool(config, config.data.test)
        shown = labelled_by_people(config, pool)
        if section.shots and not shown and not quiet:
            say("no labels by people are there yet, so the prompts have no demonstrations")
        with language_model_of(config, quiet=quiet, progress=progress) as lm:
            assert lm is not None
            lm.cache = ResponseCache(out.with_name(f"{out.name}.cache.sqlite"))
            generator, filters = make_generator(
                section,
                task,
                lm,
                make_embedder(config),
                pool,
                test,
                style=config.lm.prompt_style,
            )
            requests = [
                Request(one, _demonstrations(shown, one, section.shots, config.seed), config.seed)
                for one in wanted
            ]
            made: list[SyntheticItem] = []

            def told(items: Sequence[SyntheticItem]) -> None:
                made.extend(items)
                kept = sum(one.accepted for one in made)
                spent = sum((one.usage for one in made), Usage())
                progress.step("accepted items", kept, k * len(wanted), spent)

            synthesis = generate_filtered(generator, filters, requests, k, on_items=told)
        called = text_columns(task.text, _COLUMNS)
        columns = [Column("id"), *(Column(one) for one in called.values()), Column("label")]
        columns += [Column("synthetic", "flag"), Column("accepted", "flag")]
        columns += [Column(one) for one in ("refused_by", "reason", "generator")]
        write_table(out, format, columns, _rows(synthesis.items, called))
    result = {
        "out": str(out),
        "written": len(synthesis.items),
        "accepted": len(synthesis.accepted),
        "missing": synthesis.missing,
        "refused_by": synthesis.refusals,
        "usage": {**synthesis.usage.as_dict(), "tokens": synthesis.usage.tokens},
    }
    text = f"{len(synthesis.accepted):,} of {len(synthesis.items):,} texts are accepted: {out}"
    cost = cost_in_words(synthesis.usage.as_dict())
    give(result, f"{text}\ncost: {cost}" if cost else text, as_json=as_json)


def _demonstrations(shown: Sequence[Item], label: str, shots: int, seed: int) -> tuple[Item, ...]:
    mine = [one for one in shown if one.gold == label]
    rng = np.random.default_rng([seed, 0x5E7])
    return tuple(mine[place] for place in rng.permutation(len(mine))[:shots])


def _rows(items: Sequence[SyntheticItem], called: dict[str, str]) -> Iterator[dict[str, Any]]:
    for one in items:
        yield {
            "id": one.id,
            **synthetic_texts(one, called),
            "label": one.label,
            "synthetic": True,
            "accepted": one.accepted,
            "refused_by": one.refused_by,
            "reason": one.reason,
            "generator": one.generator,
        }


def synthetic_texts(item: SyntheticItem, called: dict[str, str]) -> dict[str, str]:
    """The text columns of a synthetic item, by what they are called in a table.

    An answer that could not be read into several columns stands whole in the first.
    """
    fields = item.provenance.get("fields")
    if not fields:
        return {next(iter(called.values())): item.text}
    return {called[name]: text for name, text in fields.items() if name in called}
