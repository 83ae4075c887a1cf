"""Label the texts of the town's help desk in a terminal: `python examples/ask_and_tell.py`.

Type a label, its first letters, `?` to skip a text, or nothing to stop; run it again to go on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import llmal

HERE = Path(__file__).parent
SKIP = "?"


def ask_person(item: llmal.Item, names: tuple[str, ...]) -> str | None:
    """The label that somebody types; None for a text that is skipped.

    Raises:
        EOFError: Nothing was typed.
    """
    print(f"\n{item.text}\n[{' | '.join(names)} | {SKIP}]")
    while True:
        typed = input("> ").strip()
        if not typed:
            raise EOFError
        if typed == SKIP:
            return None
        begun = [name for name in names if name.casefold().startswith(typed.casefold())]
        whole = [name for name in begun if len(name) == len(typed)]
        for meant in (whole, begun):
            if len(meant) == 1:
                return meant[0]
        print(f"{typed!r} is not one of them")


def main() -> None:
    """Ask until the campaign has ended or the person has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path("runs/ask_and_tell"))
    parser.add_argument("--labels", type=int, default=20, help="how many labels to give")
    options = parser.parse_args()
    config = llmal.load_config(HERE / "town_desk.yaml")
    task = config.task_object()
    pool = llmal.Pool.from_file(HERE / "town_desk" / "pool.jsonl")
    budget = llmal.Budget(human_labels=options.labels, batch=5)
    with llmal.Campaign(task, pool, directory=options.directory, budget=budget) as campaign:
        try:
            while (order := campaign.ask()) is not None:
                print(f"\n-- round {order.round} ({order.phase}): {len(order.items)} texts")
                for item in order.items:
                    label = ask_person(item, task.names)
                    campaign.tell([llmal.Annotation(item.id, label, "me", "human")])
            print(f"\n{campaign.reason}")
        except EOFError:
            print("\nstopped; run it again to go on")
        print(f"{len(campaign.labels)} texts have a label")


if __name__ == "__main__":
    main()
