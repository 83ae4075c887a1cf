"""The section of the results page on a whole run of `llmal.label`, killed again and again."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]
_WHO = {"people": "people", "machine": "the model", "learner": "the learner"}


def guarantee_whole_run(figures: Figures) -> list[str]:
    """What came of it, beside the forecast and beside a run that was left alone."""
    kills, certificate = figures["kills"], figures["certificate"]
    forecast, items = figures["forecast_after_the_pilot"], figures["items"]
    equal = [name.replace("_", " ") for name, same in figures["equal"].items() if same]
    other = [name.replace("_", " ") for name, same in figures["equal"].items() if not same]
    phases = ", ".join(f"{name} {n}" for name, n in figures["people_labels_by_phase"].items())
    given = ", ".join(f"{n} by {_WHO[name]}" for name, n in _by(figures["given_by"]))
    return [
        f"{items} texts of ag_news, labelled by {figures['model']} (zero-shot, "
        f"{1 - figures['machine_wrong']:.0%} of its labels right) and by people, who answer from "
        f"gold, for the promise of at most {figures['max_error']:.0%} wrong labels with "
        f"{figures['confidence']:.0%} confidence. The process was killed {len(kills)} times with "
        "SIGKILL and started again: one half of the kills fell at random times while the model was "
        "asked, the other up to two seconds after people had given a random number of labels.",
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
                [
                    "in the audit",
                    f"{certificate['wrong']} of {certificate['audited']} were wrong",
                ],
                ["labels by people", f"{figures['people_labels']} ({phases})"],
                [
                    "forecast after the pilot",
                    f"{forecast['people']}, {forecast['low']} to {forecast['high']} with "
                    f"{forecast['level']:.0%} (from {forecast['labelled']} labels)",
                ],
                ["labels delivered", given],
                ["killed in", _fallen(kills)],
                [
                    "as in the run that was left alone",
                    (", ".join(equal) or "nothing")
                    + (f"; not {', '.join(other)}" if other else ""),
                ],
                [
                    "tokens, left alone and killed",
                    " and ".join(f"{one:,}" for one in figures["tokens"]),
                ],
            ],
        ),
    ]


def _by(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: -one[1])


def _fallen(kills: list[dict[str, Any]]) -> str:
    phases = [str(one["phase"]) for one in kills]
    return ", ".join(f"{name} {phases.count(name)}" for name in dict.fromkeys(phases))
