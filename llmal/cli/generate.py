"""`llmal generate`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmal.annotators import drawn_texts
from llmal.cli.demonstrations import audited_items, labelled_by_people
from llmal.cli.models import language_model_of, planning_model_of
from llmal.cli.products import Products, products_in_words
from llmal.cli.spending import Spending, give_most
from llmal.cli.telling import give, results_only_on_stdout
from llmal.cli.wording import key_values
from llmal.config import GeneratorConfig, PlugInGeneratorConfig, RunConfig, load_config
from llmal.core.tables import check_output
from llmal.errors import ConfigError
from llmal.factory.calibrators import make_calibrators
from llmal.factory.embedders import make_embedder
from llmal.factory.pools import open_pool
from llmal.functions.generated_files import read_record, write_record
from llmal.functions.learner_answers import learner_answers
from llmal.functions.preview import previewed
from llmal.functions.writing import Writing, generator_section
from llmal.lm.cache import ResponseCache
from llmal.lm.protocol import LanguageModel
from llmal.progress import ProgressDisplay, cost_in_words, say


@dataclass(frozen=True)
class Wanted:
    """What is to be written.

    Attributes:
        k: Accepted items of each label; None where nothing is to be kept.
        label: Of this label alone.
        generator: In the place of the configuration's.
        options: Of this generator.
        preview: Only so many texts, which are shown and not kept.
        learner: The folder of a learner, or that of a run.
    """

    k: int | None = None
    label: str | None = None
    generator: str | None = None
    options: Sequence[str] = ()
    preview: int | None = None
    learner: Path | None = None


def generate(
    path: Path,
    wanted: Wanted,
    *,
    out: Path | None,
    products: Products,
    spending: Spending,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write synthetic items with the generator of a configuration, outside a run; or make something
    of those that are there.
    """
    config = load_config(path)
    if wanted.preview is not None:
        _preview(config, path, wanted, spending=spending, as_json=as_json, quiet=quiet)
        return
    if wanted.k is None and not products.any:
        raise ConfigError(
            "it is not said how many items are wanted",
            fix="give -k, or --preview; or --report of those that are in --out",
        )
    if out is None:
        raise ConfigError("there is no place for the items", fix="name a file with --out")
    products.check(force=force)
    if wanted.k is None:
        _of_file(config, wanted, out, products, force=force, as_json=as_json, quiet=quiet)
        return
    format = check_output(out, force=force)
    with (
        results_only_on_stdout(as_json),
        ProgressDisplay(quiet=quiet) as progress,
        _writing(config, path, wanted, wanted.k, out, spending, quiet, progress) as writing,
    ):
        if spending.dry_run:
            most = writing.most()
        else:
            synthesis = writing.run(progress.step)
            record = writing.record(synthesis)
            write_record(out, format, record)
            places = products.write(record, force=force)
    if spending.dry_run:
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
        **places,
    }
    text = f"{len(synthesis.accepted):,} of {len(synthesis.items):,} texts are accepted: {out}"
    text += products_in_words(places)
    cost = cost_in_words(writing.usage.as_dict())
    give(result, f"{text}\ncost: {cost}" if cost else text, as_json=as_json)


def _of_file(
    config: RunConfig,
    wanted: Wanted,
    out: Path,
    products: Products,
    *,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make something of the items in a file; nobody is asked."""
    if not out.is_file():
        raise ConfigError(
            "there is no such file of items", where=str(out), fix="give -k to have some written"
        )
    if wanted.label or wanted.generator or wanted.options or wanted.learner:
        raise ConfigError(
            "--label, --generator, --option and --learner are for items that are to be written",
            fix="give -k, or leave them out",
        )
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet):
        record = read_record(
            out,
            config.task_object(),
            real=open_pool(config, config.data.pool),
            embedder=make_embedder(config),
            seed=config.seed,
        )
        places = products.write(record, force=force)
    accepted = len(record.accepted)
    result = {"out": str(out), "written": len(record.items), "accepted": accepted, **places}
    text = f"{accepted:,} of {len(record.items):,} texts are accepted: {out}"
    give(result, text + products_in_words(places), as_json=as_json)


def _preview(
    config: RunConfig,
    path: Path,
    wanted: Wanted,
    *,
    spending: Spending,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show a few texts with the verdict of every filter; nothing is kept."""
    assert wanted.preview is not None
    if spending.dry_run:
        raise ConfigError(
            "--preview writes texts, and --dry-run asks nobody", fix="leave one of them out"
        )
    with (
        results_only_on_stdout(as_json),
        ProgressDisplay(quiet=quiet) as progress,
        _writing(config, path, wanted, wanted.k or 1, None, spending, quiet, progress) as writing,
    ):
        most = None if wanted.k is None else writing.most()
        judged = writing.preview(wanted.preview, progress.step)
        whole = None if wanted.k is None else writing.wanted
        found = previewed(writing, judged, most=most, wanted=whole)
    result: dict[str, Any] = {
        "preview": found.as_dicts(),
        "counts": found.counts,
        "usage": {**found.cost.as_dict(), "tokens": found.cost.tokens},
        "most": None if most is None else {**most.as_dict(), "tokens": most.tokens},
        "k": wanted.k,
    }
    text = found.as_text()
    if most is None:
        text += "\nWith -k the most that the whole would cost is told too."
    give(result, text, as_json=as_json)


@contextlib.contextmanager
def _writing(
    config: RunConfig,
    path: Path,
    wanted: Wanted,
    k: int,
    out: Path | None,
    spending: Spending,
    quiet: bool,
    progress: ProgressDisplay,
) -> Iterator[Writing]:
    """What writes the items, its model loaded; answers are kept beside the output."""
    if config.lm is None:
        raise ConfigError(
            "there is no language model to write items",
            where=str(path),
            fix="add the section 'lm'",
        )
    task, label = config.task_object(), wanted.label
    section = _section(config, wanted.generator, key_values(wanted.options, "--option"))
    pool = open_pool(config, config.data.pool)
    shown = labelled_by_people(config, pool)
    if section.shots and not shown and not quiet:
        say("no labels by people are there yet, so the prompts have no demonstrations")
    answers = None if wanted.learner is None else learner_answers(wanted.learner, task, shown)
    model: AbstractContextManager[LanguageModel | None] = (
        planning_model_of(config)
        if spending.dry_run
        else language_model_of(config, quiet=quiet, progress=progress)
    )
    with model as lm:
        assert lm is not None
        if out is not None and not spending.dry_run:
            lm.cache = ResponseCache(out.with_name(f"{out.name}.cache.sqlite"))
        yield Writing(
            task,
            k,
            section=section,
            lm=lm,
            embedder=make_embedder(config),
            labels=None if label is None else [label],
            demonstrations=shown,
            learner=answers,
            pool=pool,
            test=None if config.data.test is None else open_pool(config, config.data.test),
            audit=audited_items(config, pool),
            style=config.lm.prompt_style,
            calibrate=make_calibrators(config, section.calibrate, "generator"),
            unlabelled=drawn_texts(pool, config.seed),
            seed=config.seed,
            budget=spending.budget(config),
        )


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
