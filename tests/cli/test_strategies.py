from __future__ import annotations

from llmal.selectors import REGISTRY, SIGNALS


def _listed(llmal, json_of):
    told = json_of(llmal("strategies", "--json"))
    assert told["broken"] == {}
    return {one["name"]: one for one in told["strategies"]}


def test_every_strategy_is_listed_once_with_a_sentence(llmal, json_of):
    listed = _listed(llmal, json_of)
    assert sorted(listed) == REGISTRY.names()
    for one in listed.values():
        assert one["summary"].endswith(".")
        assert not one["summary"].endswith(" al.")
        assert set(one["needs"] or ()) <= set(SIGNALS)
    shown = llmal("strategies")
    assert shown.exit_code == 0
    for name in listed:
        assert f"\n{name} " in shown.stdout
    assert all(len(line) <= 120 for line in shown.stdout.splitlines())


def test_strategies_are_grouped_by_what_they_work_with(llmal, json_of):
    listed = _listed(llmal, json_of)
    groups = {name: one["group"] for name, one in listed.items()}
    assert groups["random"] == groups["typiclust"] == "no labels"
    assert groups["margin"] == groups["badge"] == groups["bald"] == "learner"
    assert groups["llm_batch"] == groups["llm_rank"] == "language model"
    assert groups["diverse"] == groups["switch"] == groups["perplexity"] == "wrapper"
    asking = {name for name, one in listed.items() if one["asks"]}
    assert {"llm_batch", "llm_rank", "perplexity"} <= asking
    assert not asking & {"margin", "typiclust", "diverse"}
    # What a wrapper reads itself, not what the strategy reads that is put inside to look at it.
    assert listed["mixture"]["needs"] == []
    assert listed["near_duplicates"]["needs"] == ["embeddings"]
    assert listed["mixture"]["wraps"] == ["selectors"]


def test_one_strategy_with_its_options_and_their_defaults(llmal, json_of):
    shown = llmal("strategies", "typiclust")
    assert shown.exit_code == 0
    assert "Hacohen et al., 2022" in shown.stdout
    assert "Needs: embeddings." in shown.stdout
    assert "Args:" not in shown.stdout
    rows = {line.split()[0]: line for line in shown.stdout.splitlines() if line.strip()}
    assert rows["neighbours"].split(maxsplit=2)[1:] == [
        "20",
        "Number of neighbours that typicality looks at.",
    ]
    told = json_of(llmal("strategies", "typiclust", "--json"))
    assert told["options"][2] == {
        "name": "neighbours",
        "required": False,
        "default": 20,
        "says": "Number of neighbours that typicality looks at.",
    }


def test_an_option_is_described_where_its_class_inherits_it(llmal, json_of):
    of, over = json_of(llmal("strategies", "margin", "--json"))["options"]
    assert (over["name"], over["default"]) == ("over", "mean")
    assert (of["name"], of["default"]) == ("of", "learner")
    assert of["says"].startswith("Whose probabilities")
    assert "It has no options." in llmal("strategies", "random").stdout
    assert "must be given" in llmal("strategies", "diverse").stdout


def test_an_unknown_strategy_is_named_with_a_near_one(llmal):
    result = llmal("strategies", "bagde")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: there is no 'bagde' among the selectors; did you mean 'badge'?\n"
    )
