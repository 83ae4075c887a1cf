"""`llmal generate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from llmal.annotators import drawn_texts
from llmal.cli.demonstrations import audited_items, labelled_by_people
from llmal.cli.models import language_model_of, planning_model_of
from llmal.cli.spending import Spending, give_most
from llmal.cli.telling import give, results_only_on_stdout
from llmal.cli.wording import key_values
from llmal.config import GeneratorConfig, PlugInGeneratorConfig, RunConfig, load_config
from llmal.core.tables import check_output, write_table
from llmal.errors import ConfigError
from llmal.factory.calibrators import make_calibrators
from llmal.factory.embedders import make_embedder
from llmal.factory.pools import open_pool
from llmal.functions.generated_rows import table_columns, table_rows
from llmal.functions.writing import Writing, generator_section
from llmal.lm.cache import ResponseCache
from llmal.lm.protocol import LanguageModel
from llmal.progress import ProgressDisplay, cost_in_words, say


def generate(
    path: Path,
    *,
    k: int,
    label: str | None,
    generator: str | None,
    options: Sequence[str],
    out: Path,
    spending: Spending,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write synthetic items with the generator of a configuration, outside a run."""
    config = load_config(path)
    format = check_output(out, force=force)
    task = config.task_object()
    if config.lm is None:
        raise ConfigError(
            "there is no language model to write items",
            where=str(path),
            fix="add the section 'lm'",
        )
    section = _section(config, generator, key_values(options, "--option"))
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        pool = open_pool(config, config.data.pool)
        test = None if config.data.test is None else open_pool(config, config.data.test)
        shown = labelled_by_people(config, pool)
        if section.shots and not shown and not quiet:
            say("no labels by people are there yet, so the prompts have no demonstrations")
        model: AbstractContextManager[LanguageModel | None] = (
            planning_model_of(config)
            if spending.dry_run
            else language_model_of(config, quiet=quiet, progress=progress)
        )
        with model as lm:
            assert lm is not None
            if not spending.dry_run:
                lm.cache = ResponseCache(out.with_name(f"{out.name}.cache.sqlite"))
            writing = Writing(
                task,
                k,
                section=section,
                lm=lm,
                embedder=make_embedder(config),
                labels=None if label is None else [task.match_label(label) or label],
                demonstrations=shown,
                pool=pool,
                test=test,
                audit=audited_items(config, pool),
                style=config.lm.prompt_style,
                calibrate=make_calibrators(config, section.calibrate, "generator"),
                unlabelled=drawn_texts(pool, config.seed),
                seed=config.seed,
                budget=spending.budget(config),
            )
            most = writing.most() if spending.dry_run else None
            if most is None:
                synthesis = writing.run(progress.step)
        if most is None:
            columns, called = table_columns(task)
            write_table(out, format, columns, table_rows(synthesis.items, task, called))
    if most is not None:
        give_most(most, "", as_json=as_json)
        return
    result = {
        "out": str(out),
        "written": len(synthesis.items),
        "accepted": len(synthesis.accepted),
        "missing": synthesis.missing,
        "refused_by": synthesis.refusals,
        "counts": [one.as_dict() for one in synthesis.counts],
        "usage": {**writing.usage.as_dict(), "tokens": writing.usage.tokens},
    }
    text = f"{len(synthesis.accepted):,} of {len(synthesis.items):,} texts are accepted: {out}"
    cost = cost_in_words(writing.usage.as_dict())
    give(result, f"{text}\ncost: {cost}" if cost else text, as_json=as_json)


def _section(
    config: RunConfig, name: str | None, options: Mapping[str, Any]
) -> GeneratorConfig | PlugInGeneratorConfig:
    """The generator of the configuration, or one that is named at the command line; what texts must
    pass is said by the configuration either way.
    """
    own = config.generator
    if name is None:
        if options:
            raise ConfigError("--option is for --generator, and there is none")
        return own or GeneratorConfig(name="class_conditional")
    kept = ("shots", "min_words", "max_words", "similarity", "agreement", "calibrate", "filters")
    settings = {} if own is None else {one: getattr(own, one) for one in kept}
    return generator_section(name, options, **settings)
