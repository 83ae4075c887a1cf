"""Random numbers that depend on a text, a seed, a copy and a place in the text, and on no more.

A generator that is drawn from in turn would tie each text to those before it. Here each number is
a hash of where it is used (splitmix64, Steele et al. 2014), for whole arrays at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import digest

Bits = NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
UNIFORM_BITS = 53


def text_hashes(encoded: Sequence[bytes]) -> Bits:
    """A hash of each text, shape (n,). Texts that share one share their numbers, no more."""
    return np.array([zlib.crc32(one) for one in encoded], dtype=np.uint64)


def streams(hashes: Bits, seed: int, copy: int, purpose: str) -> Bits:
    """The start of the stream of random numbers of each text, shape (n,)."""
    raw = digest(f"{purpose}\0{seed}\0{copy}", 8)
    return _mixed(hashes * _STEP ^ np.uint64(int.from_bytes(raw, "little")))


def move_streams(begins: Bits, places: NDArray[np.int64]) -> Bits:
    """The same streams, entered so many places before their beginnings."""
    return begins - places.astype(np.uint64) * _STEP


def steps(places: NDArray[np.int64]) -> Bits:
    """How far places are from the beginning of a stream; to be added to it."""
    return (places.astype(np.uint64) + np.uint64(1)) * _STEP


def bits(at: Bits) -> Bits:
    """Uniform whole numbers below 2^53."""
    return _mixed(at) >> np.uint64(64 - UNIFORM_BITS)


def uniforms(at: Bits) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1)."""
    return np.asarray(bits(at) * 2.0**-UNIFORM_BITS, dtype=np.float64)


def _mixed(values: Bits) -> Bits:
    mixed = values >> np.uint64(30)
    mixed ^= values
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


def seed_of(purpose: str, seed: int, copy: int) -> int:
    """A seed below 2^31 for a whole copy, far from those of its neighbours."""
    return int.from_bytes(digest(f"{purpose}\0{seed}\0{copy}", 4), "little") >> 1
