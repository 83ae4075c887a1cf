"""The section of the results page on a whole run of `llmal.label`, killed again and again."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]
_WHO = {"people": "people", "machine": "the model", "learner": "the learner"}


def guarantee_whole_run(figures: Figures) -> list[str]:
    """What came of it, beside the forecast, and whether killed runs came to the same."""
    certificate, items = figures["certificate"], figures["items"]
    forecast = figures["forecast_after_the_pilot"]
    held = figures["people_labels"] <= forecast["high"]
    phases = ", ".join(f"{name} {n}" for name, n in figures["people_labels_by_phase"].items())
    given = ", ".join(f"{n} by {_WHO[name]}" for name, n in _by(figures["given_by"]))
    return [
        f"{items} texts of ag_news, labelled by {figures['model']} (zero-shot, "
        f"{1 - figures['machine_wrong']:.0%} of its labels right) and by people, who answer from "
        f"gold, for the promise of at most {figures['max_error']:.0%} wrong labels with "
        f"{figures['confidence']:.0%} confidence. The same run again with the process killed by "
        "SIGKILL and started again, at random times and with caches of its own. "
        + figures.get("note", ""),
        "",
        *table(
            ["", ""],
            [
                [
                    "certificate",
                    f"{'holds' if certificate['holds'] else 'does not hold'}: at most "
                    f"{int(certificate['epsilon'] * items + 1e-9)} of {items} labels are wrong",
                ],
                ["truly wrong", f"{figures['wrong']} of {items}"],
                ["in the audit", f"{certificate['wrong']} of {certificate['audited']} wrong"],
                ["labels by people", f"{figures['people_labels']} ({phases})"],
                [
                    "forecast after the pilot",
                    f"{forecast['people']}, with {forecast['level']:.0%} between "
                    f"{forecast['low']} and {forecast['high']} (after {forecast['labelled']}); "
                    + ("kept" if held else "too few"),
                ],
                ["labels delivered", given],
                *(
                    [f"killed {len(one['kills'])} times, in {_fallen(one['kills'])}", _same(one)]
                    for one in figures["killed"]
                ),
            ],
        ),
    ]


def _same(one: dict[str, Any]) -> str:
    """Whether a killed run came to the same as the one that was left alone."""
    other = [name.replace("_", " ") for name, same in one["equal"].items() if not same]
    if other:
        return f"not the same: {', '.join(other)}"
    return "the same labels, givers, certificate, labels by people and tokens"


def _by(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: -one[1])


def _fallen(kills: list[dict[str, Any]]) -> str:
    phases = [str(one["phase"]) for one in kills]
    return ", ".join(f"{name} {phases.count(name)}" for name in dict.fromkeys(phases))
