"""The section `guarantee` of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmal.config import RunConfig, parse_config
from llmal.errors import ConfigError
from llmal.factory.orchestrator import build
from llmal.guarantee import Guarantee


@pytest.fixture
def parsed(tmp_path: Path) -> Callable[[str], RunConfig]:
    """Reads a configuration of a small pool; what is given begins on line 4."""
    rows = [f"{n},The cow number {n} sleeps,animal,animal" for n in range(40)]
    rows += [f"{n},The soup number {n} is hot,food,animal" for n in range(40, 80)]
    (tmp_path / "pool.csv").write_text("id,text,label,said\n" + "\n".join(rows) + "\n")
    head = (
        "task: {name: farm, labels: [animal, food]}\ndata: {pool: pool.csv, gold: label}\n"
        "annotator: [{name: recorded, column: said, threshold: 0}, {name: human, via: gold}]\n"
    )
    return lambda text: parse_config(head + text, source="farm.yaml", base=tmp_path)


LABELS = "objective: labels\n"


def _promise(config: RunConfig) -> Guarantee | None:
    return build(config).campaign.guarantee


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LABELS, Guarantee()),
        ("", None),
        (LABELS + "guarantee: off", None),
        (LABELS + 'guarantee: "off"', None),
        (LABELS + "guarantee: {policy: threshold}", None),
        (LABELS + "guarantee: on", Guarantee()),
        (LABELS + "audit: 10", None),
        ("phases: [start, sweep, review]", None),
        (
            LABELS + "guarantee: {max_error: 0.1, confidence: 0.9}",
            Guarantee(max_error=0.1, confidence=0.9),
        ),
        (
            LABELS + "guarantee: {seed: {name: uniform, least: 12, share: 0}, score: confidence}",
            Guarantee(
                parts={"seed": {"name": "uniform", "least": 12, "share": 0}, "score": "confidence"}
            ),
        ),
    ],
)
def test_what_is_promised(
    parsed: Callable[[str], RunConfig], text: str, expected: Guarantee | None
) -> None:
    config = parsed(text)
    assert _promise(config) == expected
    again = parse_config(config.to_yaml(), base=config.directory.parent)
    assert _promise(again) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("guarantee: {max_error: 0.1}", "line 4, guarantee: it is about the labels of a pool"),
        (LABELS + "audit: 5\nguarantee: {}", "draws an audit of its own, and there is an audit"),
        ("phases: [start, sweep]\nguarantee: {}", "has phases of its own, and there are phases"),
        (LABELS + "guarantee: {max_error: 1}", "a number less than 1"),
        (LABELS + "guarantee: {confidence: 0.3}", "a number of at least 0.5"),
        (LABELS + "guarantee: {policy: hope}", "guarantee.policy"),
        (LABELS + "guarantee: {score: hope}", "there is no 'hope' among the guarantee"),
        (
            LABELS + "guarantee: {sede: uniform}",
            "guarantee.sede: a guarantee has no 'sede'; did you mean 'seed'? Known are max_error, "
            "confidence, policy, seed, score, plan, batch, looks",
        ),
        (LABELS + "guarantee: {max_eror: 0.1}", "did you mean 'max_error'?"),
        (LABELS + "guarantee: {epsilon: 0.1}", "has no 'epsilon'; known are max_error, confidence"),
    ],
)
def test_mistakes_are_told_with_their_place(
    parsed: Callable[[str], RunConfig], text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        build(parsed(text))
    assert message in str(error.value)
    assert "farm.yaml, line" in str(error.value)


def test_a_run_of_a_configuration_keeps_its_promise(parsed: Callable[[str], RunConfig]) -> None:
    config = parsed(LABELS + "guarantee: {max_error: 0.2, seed: {name: uniform, least: 12}}\n")
    result = build(config).run()
    assert result.certificate is not None
    assert result.certificate.items == 80
    assert str(result.promised) == result.certificate.promise
