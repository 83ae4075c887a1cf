"""Questions and their labels, of one token and of several, that small models are trained on."""

from __future__ import annotations

TEXTS = [
    "Who wrote Emma ?",
    "How far is the moon from the earth , and how long does light take ?",
    "What is a prime number ?",
    "Which river runs through Paris ?",
] * 3
LABELS = ["Person", "Number", "Description", "Location"] * 3
WORDS = {
    "Person": "human being",
    "Number": "number",
    "Description": "number of words",
    "Location": "location",
}
