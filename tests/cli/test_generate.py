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
