from __future__ import annotations

from llmal.cli.demonstrations import audited_items
from llmal.config import load_config
from llmal.core.records import SyntheticItem
from llmal.factory.generators import make_generator
from llmal.factory.pools import open_pool
from llmal.functions.writing import generator_section
from llmal.ledger import Ledger


def test_what_an_audit_asks_about_is_given_away_by_nothing(finished, tiny_hf, tmp_path):
    path = finished(audit=5, budget={"human_labels": 18, "batch": 6})
    config = load_config(path)
    pool = open_pool(config, config.data.pool)
    audited = audited_items(config, pool)
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        asked = [i for one in ledger.rounds() if one.phase == "audit" for i in one.item_ids]
    assert len(asked) == 5
    assert sorted(item.id for item in audited) == sorted(asked)
    section = generator_section("class_conditional", {}, filters=[{"name": "leakage"}])
    _, (leakage,) = make_generator(
        section, config.task_object(), tiny_hf, None, pool, None, audit=audited
    )
    copy = SyntheticItem("s", f"so {audited[0].text} too", "food", "class_conditional")
    assert f"item {audited[0].id!r} of the audit" in leakage.check([copy])[0]


def test_a_configuration_without_a_run_has_no_audit(project):
    config = load_config(project())
    assert audited_items(config, open_pool(config, config.data.pool)) == []


def _project(project, tiny_lm_path, **generator):
    machine = {"name": "class_conditional", "structure": "line", "max_words": 20, **generator}
    lm = {"backend": "transformers", "model": str(tiny_lm_path)}
    return project(lm=lm, generator={**machine, "agreement": 0.9}, seed=3)


def test_a_preview_shows_what_every_filter_says_and_writes_no_file(
    project, llmal, json_of, tiny_lm_path, tmp_path
):
    path = _project(project, tiny_lm_path, filters=["default", "repetition"])
    before = sorted(tmp_path.iterdir())
    words = ("generate", "--config", path, "--preview", "5", "-k", "3", "--quiet")
    result = llmal(*words, "--out", tmp_path / "new.jsonl", "--json")
    assert result.exit_code == 0, result.stderr
    told = json_of(result)
    assert [one["label"] for one in told["preview"]] == [
        *("sport", "sport", "food", "food", "weather")
    ]
    chain = ["format_length", "near_duplicates", "label_agreement", "repetition"]
    seen = set()
    for one in told["preview"]:
        names = [verdict["filter"] for verdict in one["verdicts"]]
        assert names in (chain, ["class_conditional"])
        seen.add(len(names))
        refused = [verdict for verdict in one["verdicts"] if verdict["reason"]]
        assert one["accepted"] is (not refused)
        assert one["fields"]["text"].strip() or refused
    assert len(chain) in seen
    assert 0 < told["usage"]["tokens"] < told["most"]["tokens"]
    assert sorted(tmp_path.iterdir()) == before
    shown = llmal(*words).stdout
    assert shown.count("label_agreement  ") == sum(
        len(one["verdicts"]) == len(chain) for one in told["preview"]
    )
    assert "1. sport: " in shown
    assert "The whole, 3 accepted texts of each label, costs at most " in shown


def test_mistakes_with_a_preview_are_a_sentence(project, llmal, tiny_lm_path, tmp_path):
    path = _project(project, tiny_lm_path)
    words = ("generate", "--config", path)
    assert "--preview" in llmal(*words, "--preview", "0").stderr
    for more, sentence in (
        (("--preview", "2", "--dry-run"), "--preview writes texts, and --dry-run asks nobody"),
        ((), "it is not said how many items are wanted; give -k"),
        (("-k", "2"), "there is no place for the items; name a file with --out"),
        (("--preview", "2", "--tokens", "9"), "the budget of 9 tokens does not reach for one text"),
    ):
        refused = llmal(*words, *more)
        assert refused.exit_code == 1
        assert sentence in refused.stderr
