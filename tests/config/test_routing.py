"""The section `routing` of a configuration, and what the page about it shows."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from llmal.annotators.policies import REGISTRY, Band
from llmal.config import RunConfig, parse_config
from llmal.core.records import Annotation
from llmal.errors import ConfigError
from llmal.factory.annotators import make_router
from llmal.factory.orchestrator import build
from llmal.ledger import Ledger

PAGE = Path(__file__).resolve().parents[2] / "docs" / "routing.md"
SHOWN = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def _config(text: str, folder: Path, count: int = 60) -> RunConfig:
    """A pool of cows and soups; three machines err on some, the first says how sure it is."""
    rows = ["id,text,label,small,sure,other,large"]
    for n in range(count):
        word, label, wrong = ("cow", "animal", "food") if n % 2 else ("soup", "food", "animal")
        small, sure = (wrong, 0.7) if n % 5 == 0 else (label, 0.95)
        other = wrong if n % 10 == 0 else label
        rows.append(f"r{n},The {word} of day {n},{label},{small},{sure},{other},{label}")
    (folder / "pool.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return parse_config(text, source="farm.yaml", base=folder)


def _without(text: str, *keys: str) -> dict[str, object]:
    return {key: value for key, value in yaml.safe_load(text).items() if key not in keys}


def test_the_page_names_every_policy() -> None:
    named = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == REGISTRY.names()


@pytest.mark.parametrize("text", SHOWN, ids=["band", "learner", "cascade"])
def test_what_the_page_shows_runs(text: str, tmp_path: Path) -> None:
    """Small pools cannot be certified: every item gets a label all the same."""
    result = build(_config(text, tmp_path)).run()
    assert result.status == "finished"
    assert len({**result.labels, **result.audited}) == 60


def test_a_band_in_a_run_without_a_promise(tmp_path: Path) -> None:
    text = {**_without(SHOWN[0]), "guarantee": "off", "start": {"selector": "random", "items": 4}}
    run = build(_config(json.dumps(text), tmp_path))
    assert run.router.policy == Band(low=0.5, high=0.9, agree=2)
    result = run.run()
    with Ledger.open(run.directory / "ledger.sqlite") as ledger:
        started = set(ledger.rounds()[0].item_ids)
        stages: dict[str, set[str]] = {}
        for one in ledger.annotations():
            stages.setdefault(one.item_id, set()).add(one.stage or one.annotator)
        standing = ledger.labels()
    for n in range(60):
        i = f"r{n}"
        if i in started:
            assert stages[i] == {"human"}
        elif n % 10 == 0:  # small and other agree, and both are wrong
            assert stages[i] == {"small", "other"}
            assert standing[i].annotator == "other"
            assert standing[i].label == ("animal" if n % 2 == 0 else "food")
        elif n % 5 == 0:
            assert stages[i] == {"small", "other", "large"}
            assert standing[i].annotator == "large"
        else:
            assert stages[i] == {"small"}
    assert result.cost.human_labels == 4


def test_a_learner_beside_a_machine_in_a_run_without_a_promise(tmp_path: Path) -> None:
    [shown] = [one for one in SHOWN if "routing: learner" in one]
    run = build(_config(shown, tmp_path))
    result = run.run()
    with Ledger.open(run.directory / "ledger.sqlite") as ledger:
        said: dict[str, dict[str, Annotation]] = {}
        for one in ledger.annotations():
            said.setdefault(one.item_id, {})[one.stage or one.annotator] = one
        standing = ledger.labels()
    by = Counter(one.annotator for one in standing.values())
    assert by["human"] == result.cost.human_labels
    for i, answers in said.items():
        if "small" not in answers:
            assert [*answers] == ["human"]
            continue
        learned, small = answers["learned"].confidence or 0.0, answers["small"].confidence or 0.0
        wanted = (
            "learned"
            if learned >= 0.7 and learned > small
            else "small"
            if small >= 0.9
            else "human"
        )
        assert standing[i].annotator == wanted
    assert by["learned"] > 0, "where the machine is unsure, the learner knows cows from soups"
    assert by["small"] > 0


@pytest.mark.parametrize(
    ("routing", "sentence"),
    [
        ("bend", "farm.yaml, line 9, routing.*there is no 'bend' among the policies.*'band'"),
        ("{name: band, hihg: 1}", "farm.yaml, line 9, routing.hihg"),
        ("{name: band, low: 0.95}", "farm.yaml, line 9, routing.low.*low is 0.95 and high is 0.9"),
        ("{name: band, agree: 4}", "farm.yaml, line 9, routing.*4 answers can not agree"),
    ],
)
def test_a_mistake_in_the_routing_is_told_with_its_line(
    routing: str, sentence: str, tmp_path: Path
) -> None:
    text = re.sub(r"^routing: .*$", f"routing: {routing}", SHOWN[0], flags=re.MULTILINE)
    config = _config(text, tmp_path)
    with pytest.raises(ConfigError) as caught:
        make_router(config, config.task_object(), None, None)
    assert re.search(sentence, str(caught.value), re.DOTALL)
