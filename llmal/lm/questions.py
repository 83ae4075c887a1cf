"""What a server is asked for each prompt, so that its answers give every step of a trie."""

from __future__ import annotations

from dataclasses import dataclass

from llmal.lm.scoring import Nodes, Work
from llmal.lm.trie import Trie

_SHARED_TOKENS = 64
"""Up to so many different wanted tokens, all nodes of a trie are asked in common requests."""

_MOST_TOKENS = 128
"""So many tokens vLLM gives the log-probabilities of at once (its MAX_LOGPROB_TOKEN_IDS)."""


@dataclass(frozen=True)
class Question:
    """One entry of a request: the next-token log-probabilities after a prompt and a prefix.

    Attributes:
        node: Number of the trie's node.
        prefix: Candidate tokens to put after the prompt.
        tokens: Token ids to read.
        columns: Where their numbers stand in a row of the trie.
        wanted: Token ids to ask for; alike for all questions that can share a request.
    """

    node: int
    prefix: tuple[int, ...]
    tokens: tuple[int, ...]
    columns: slice
    wanted: tuple[int, ...]


def questions(trie: Trie) -> list[Question]:
    """One question for each inner node, and several where it has very many children."""
    everything = trie.tokens
    made: list[Question] = []
    for number, node in enumerate(trie.nodes):
        begin = trie.slot(number).start
        for start in range(0, len(node.children), _MOST_TOKENS):
            part = node.children[start : start + _MOST_TOKENS]
            made.append(
                Question(
                    node=number,
                    prefix=node.prefix,
                    tokens=part,
                    columns=slice(begin + start, begin + start + len(part)),
                    wanted=everything if len(everything) <= _SHARED_TOKENS else part,
                )
            )
    return made


def questions_work(trie: Trie, nodes: Nodes = None) -> Work:
    """What the questions to a prompt cost: each reads the prompt and writes one token."""
    asked = [question for question in questions(trie) if nodes is None or question.node in nodes]
    return Work(
        passes=len(asked),
        reads=len(asked),
        extra=sum(len(one.prefix) for one in asked),
        written=len(asked),
    )
