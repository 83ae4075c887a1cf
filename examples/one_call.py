"""Label 500 messages with a promise, in one call.

    python examples/one_call.py

Messages, a machine's labels of them and what people would say are made up here, so that it runs as
it stands; nothing is downloaded but the embedder. With a file and a model of your own:

    result = llmal.label("messages.csv", labels=["order", "return"], text="message",
                         lm="smollm2-135m-instruct", directory="runs/messages")

which writes what people are to label to runs/messages/to_label.csv, and goes on when it is called
again.
"""

from __future__ import annotations

import random

import llmal

WHERE = ["by post", "in the shop", "through the app", "with a friend's account", "on the phone"]
WHAT = ["lamp", "kettle", "pair of boots", "tent", "radio", "raincoat", "bicycle pump", "atlas"]
ASKED = {
    "order": ["I would like to buy a {} {}.", "Please send me a {} {}, the blue one."],
    "return": ["My {} came broken, I got it {}.", "I want my money back for the {} I got {}."],
}


def made_up(count: int) -> tuple[list[dict[str, object]], dict[str, str]]:
    """Messages with what a machine said of them, wrong about one in ten; and the truth."""
    rng = random.Random(0)
    rows, truth = [], {}
    for number in range(count):
        label = rng.choice(list(ASKED))
        text = rng.choice(ASKED[label]).format(rng.choice(WHAT), rng.choice(WHERE))
        text = f"Message {number}: {text}"
        wrong = rng.random() < 0.1
        said = next(one for one in ASKED if (one == label) != wrong)
        sure = round(rng.uniform(0.5, 0.8) if wrong else rng.uniform(0.6, 1.0), 2)
        rows.append({"message": text, "said": said, "sure": sure})
        truth[text] = label
    return rows, truth


def main() -> None:
    """Label them, and say what it took."""
    rows, truth = made_up(500)

    def ask(items: list[llmal.Item]) -> list[str]:
        # With people: [input(f"{item.text}\n(order, return, or ? to skip) ") for item in items]
        return [truth[item.text] for item in items]

    result = llmal.label(
        rows,
        labels={"order": "wants to buy something", "return": "wants to give something back"},
        text="message",
        machine_label="said",  # or lm="smollm2-135m-instruct", and a model labels
        machine_confidence="sure",
        people=ask,
        max_error=0.05,
        confidence=0.95,
    )
    result.show()
    wrong = sum(row["label"] != truth[row["message"]] for row in result)
    print(f"in truth {wrong} of {len(rows)} labels are wrong")
    print(result.savings(cost_per_label=0.10, seconds_per_label=15))
    print(f"report: {result.report()}")


if __name__ == "__main__":
    main()
