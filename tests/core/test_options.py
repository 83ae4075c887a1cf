"""Options of a class that a name stands for: known, complete, of the type that the class says."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest

from llmal.core.options import check_options
from llmal.core.registry import Registry
from llmal.errors import ConfigError


@dataclass(frozen=True)
class Plain:
    """What holds values alone."""

    copies: int = 2
    words: tuple[str, ...] = ()
    scale: float | None = None
    mode: Literal["fast", "exact"] = "fast"

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise ValueError(f"copies is {self.copies}")


class Asking:
    """What is filled by others, and takes something of any type."""

    def __init__(self, lm: object, table: dict[str, int], seed: int = 0) -> None:
        self.lm, self.table, self.seed = lm, table, seed


@dataclass(frozen=True)
class Around:
    """What holds others of its room."""

    parts: ClassVar[tuple[str, ...]] = ("first",)

    first: Plain
    weight: float = 1.0


@pytest.fixture
def room() -> Iterator[Registry]:
    module = types.ModuleType("farm_of_options")
    module.Plain, module.Asking, module.Around = Plain, Asking, Around  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    table = {name: f"farm_of_options:{name.title()}" for name in ("plain", "asking", "around")}
    yield Registry("farms", table, contract=Plain)
    del sys.modules[module.__name__]


def test_an_object_is_made_of_its_name_and_options(room: Registry):
    assert room.make("plain") == Plain()
    assert room.make("plain", {"words": ["a", "b"], "scale": 1}) == Plain(words=("a", "b"), scale=1)
    asking = room.make("asking", {"table": {"a": 1}}, offers={"lm": "model", "seed": 7, "x": 1})
    assert (asking.lm, asking.seed) == ("model", 7)
    assert room.make("asking", {"table": {}, "seed": 3}, offers={"lm": 0, "seed": 7}).seed == 3


@pytest.mark.parametrize("first", ["plain", {"name": "plain", "copies": 2}, Plain()])
def test_options_that_hold_others_of_the_room(room: Registry, first: object):
    assert room.make("around", {"first": first}) == Around(Plain())


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("plan", {}, "there is no 'plan' among the farms; did you mean 'plain'?"),
        ("plain", {"copys": 3}, "plain has no option 'copys'; its options are copies, words, "),
        ("plain", {"copies": "3"}, "plain: copies is '3'; give a whole number"),
        ("plain", {"copies": 3.0}, "plain: copies is 3.0; give a whole number"),
        ("plain", {"copies": True}, "plain: copies is True; give a whole number"),
        ("plain", {"words": "a"}, "plain: words is 'a'; give a list"),
        ("plain", {"mode": "slow"}, "plain: mode is 'slow'; give 'fast' or 'exact'"),
        ("plain", {"copies": 0}, "plain: copies is 0; check its options"),
        ("asking", {"table": {}}, "asking needs a language model; give `lm`"),
        ("around", {}, "around lacks the option 'first'; give it"),
        ("around", {"first": 7}, "7 is none of the farms; give one of them, or its name"),
        ("around", {"first": {"copies": 1}}, "one of the farms inside another has no name"),
        ("around", {"first": {"name": "plain", "copies": "1"}}, "plain: copies is '1'; give a wh"),
    ],
)
def test_what_is_refused(room: Registry, name: str, options: dict[str, Any], sentence: str):
    with pytest.raises(ConfigError) as caught:
        room.make(name, options, offers={"lm": None})
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("name", "options", "key"),
    [
        ("plain", {"words": [], "copys": 3}, "copys"),
        ("plain", {"words": [], "copies": "3"}, "copies"),
        ("plain", {"words": [], "copies": 0}, "copies"),
        ("asking", {"table": {}}, "called"),
        ("around", {}, "called"),
    ],
)
def test_the_place_of_a_mistake_is_that_of_its_option(
    room: Registry, name: str, options: dict[str, Any], key: str
):
    with pytest.raises(ConfigError) as caught:
        room.make(name, options, where=lambda one: f"line of {one}", key="called")
    assert caught.value.where == f"line of {key}"


def test_what_comes_later_is_not_missed_yet(room: Registry):
    room.check("asking", {"table": {}}, offers={}, later=("lm",))
    with pytest.raises(ConfigError, match="asking needs a language model"):
        room.check("asking", {"table": {}}, offers={"lm": None})
    with pytest.raises(ConfigError, match="lacks the option 'table'"):
        room.check("asking", {}, offers={}, later=("lm",))


def test_types_that_are_not_plain_are_left_to_the_class():
    assert check_options("asking", Asking, {"table": 7, "lm": None}) == {"table": 7, "lm": None}
