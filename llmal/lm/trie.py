"""The trie of the candidates' token ids: what must be asked to score whole label strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import digest
from llmal.errors import LanguageModelError


@dataclass(frozen=True)
class Node:
    """A point at which some candidate goes on.

    Attributes:
        prefix: The candidate tokens before this point; empty at the root.
        children: The token ids that some candidate has next, in ascending order.
    """

    prefix: tuple[int, ...]
    children: tuple[int, ...]


class Trie:
    """Candidates as paths through a trie of token ids.

    The probability of a candidate is the product of the probabilities of its steps, so one
    next-token distribution at each inner node gives all candidates exactly. Where candidates
    part at their first token and end there, that is the root alone. A candidate that is a prefix
    of another is closed by the end token, or the two would not be different events.

    Args:
        paths: Token ids of each candidate.
        candidates: The candidates as strings, for messages.
        end: The end token of the model.
        first_token_only: Keep the root only.

    Attributes:
        nodes: The points at which candidates go on, the root first.
        paths: Token ids of each candidate, closed where it must be.
        steps: For each candidate, where the numbers of its tokens stand in a row of `width`.

    Raises:
        LanguageModelError: A candidate has no tokens, two candidates have the same, or one must be
            closed and the model has no end token.
    """

    def __init__(
        self,
        paths: Sequence[Sequence[int]],
        candidates: Sequence[str],
        *,
        end: int | None,
        first_token_only: bool = False,
    ) -> None:
        if not candidates:
            raise LanguageModelError("there is no candidate to score", fix="give at least one")
        seen: dict[tuple[int, ...], str] = {}
        for path, text in zip(paths, candidates, strict=True):
            key = tuple(path)
            if not key:
                raise LanguageModelError(
                    f"the candidate {text!r} has no token in this model's vocabulary",
                    fix="give the label another word",
                )
            if key in seen:
                raise LanguageModelError(
                    f"the candidates {seen[key]!r} and {text!r} have the same tokens",
                    fix="give one of the labels another word",
                )
            seen[key] = text
        inner = {path[:depth] for path in seen for depth in range(len(path))}
        closed: list[tuple[int, ...]] = []
        for path, text in seen.items():
            if path in inner and not first_token_only:
                if end is None:
                    raise LanguageModelError(
                        f"the candidate {text!r} is the beginning of another one, and the model "
                        "has no end token to close it with",
                        fix="give one of the labels another word",
                    )
                closed.append((*path, end))
            else:
                closed.append(path)
        if not first_token_only and len(set(closed)) < len(closed):
            raise LanguageModelError(
                "a candidate holds the model's end token, which closes another one",
                fix="take the control token out of the label",
            )
        self.first_token_only = first_token_only
        self.candidates = tuple(candidates)
        self.paths: tuple[tuple[int, ...], ...] = (
            tuple(path[:1] for path in closed) if first_token_only else tuple(closed)
        )
        children: dict[tuple[int, ...], set[int]] = {}
        for path in self.paths:
            for depth, token in enumerate(path):
                children.setdefault(path[:depth], set()).add(token)
        self.nodes: tuple[Node, ...] = tuple(
            Node(prefix, tuple(sorted(children[prefix])))
            for prefix in sorted(children, key=lambda p: (len(p), p))
        )
        self._offsets = np.cumsum([0] + [len(node.children) for node in self.nodes])
        place = {
            (node.prefix, token): int(self._offsets[i]) + j
            for i, node in enumerate(self.nodes)
            for j, token in enumerate(node.children)
        }
        self.steps: list[NDArray[np.int64]] = [
            np.array([place[path[:depth], path[depth]] for depth in range(len(path))])
            for path in self.paths
        ]

    @property
    def width(self) -> int:
        """Numbers that `assemble` needs for each prompt: the children of all nodes."""
        return int(self._offsets[-1])

    @property
    def depth(self) -> int:
        """Tokens of the longest candidate."""
        return max(len(path) for path in self.paths)

    @property
    def tokens(self) -> tuple[int, ...]:
        """Every token id that is a child somewhere, in ascending order."""
        return tuple(sorted({token for node in self.nodes for token in node.children}))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each candidate, shape (C,)."""
        return np.array([len(path) for path in self.paths], dtype=np.int64)

    def slot(self, node: int) -> slice:
        """Where the numbers of a node stand in a row of `width` numbers."""
        return slice(int(self._offsets[node]), int(self._offsets[node + 1]))

    def nodes_of(self, candidates: Sequence[int]) -> frozenset[int]:
        """Numbers of the nodes that some of the candidates pass through; the root is one."""
        inner = {
            self.paths[candidate][:depth]
            for candidate in candidates
            for depth in range(len(self.paths[candidate]))
        }
        return frozenset(i for i, node in enumerate(self.nodes) if not i or node.prefix in inner)

    def slots_of(self, nodes: frozenset[int] | None) -> NDArray[np.bool_]:
        """Which numbers of a row belong to some of the nodes, shape (width,); None means all."""
        inside = np.zeros(self.width, dtype=np.bool_)
        for node in range(len(self.nodes)) if nodes is None else nodes:
            inside[self.slot(node)] = True
        return inside

    def assemble(
        self, rows: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """From log-probabilities of single steps to those of candidates.

        Args:
            rows: Shape (n, width): for each prompt the children's log-probabilities, node by node;
                NaN where they were not asked for.

        Returns:
            The sums over each candidate's tokens, and its first token's, both of shape (n, C).
        """
        sums = np.stack([rows[:, steps].sum(axis=1) for steps in self.steps], axis=1)
        first = np.stack([rows[:, steps[0]] for steps in self.steps], axis=1)
        return sums, first

    @property
    def key(self) -> bytes:
        """A hash of what is asked, for the response cache."""
        return digest(repr([(node.prefix, node.children) for node in self.nodes]))
