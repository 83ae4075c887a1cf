"""Texts that filters must refuse, for benchmarks/generators/planted.py."""

from __future__ import annotations

FOREIGN = {
    "German": [
        "Wer hat das erste Telefon gebaut und in welchem Jahr war das ?",
        "Wie viele Menschen wohnen heute in der größten Stadt von Bayern ?",
        "Die Regierung will die Steuern im nächsten Jahr noch einmal senken.",
        "Der Trainer war mit dem Spiel seiner Mannschaft gar nicht zufrieden.",
        "Warum schmeckt das Wasser aus dem Meer eigentlich salzig ?",
        "Forscher haben am Montag einen neuen Planeten außerhalb des Sonnensystems gefunden.",
    ],
    "French": [
        "Qui a construit le premier pont sur cette rivière et pourquoi ?",
        "Combien de jours faut-il pour aller à pied de Paris à Lyon ?",
        "Le gouvernement a annoncé hier une nouvelle baisse des impôts.",
        "Les joueurs ont quitté le terrain sous les sifflets du public.",
        "Quelle est la plus haute montagne de ce pays ?",
        "Des chercheurs ont découvert une étoile très éloignée de la nôtre.",
    ],
    "Spanish": [
        "¿ Quién escribió la primera novela moderna y dónde vivía ?",
        "¿ Cuántos años tardaron en levantar la catedral de esta ciudad ?",
        "El ministro dijo ayer que los precios van a subir otra vez.",
        "Los jugadores salieron del campo sin hablar con la prensa.",
        "¿ Cuál es el río más largo que cruza este país ?",
        "Unos científicos hallaron agua debajo de la superficie de Marte.",
    ],
    "Italian": [
        "Chi ha dipinto questo quadro e dove si trova adesso ?",
        "Quanti giorni ci vogliono per attraversare il deserto a piedi ?",
        "Il governo ha deciso di abbassare le tasse per le famiglie.",
        "La squadra ha perso la partita negli ultimi minuti di gioco.",
        "Qual è la città più antica di questa regione ?",
        "Gli scienziati hanno trovato una nuova specie di pesce nel lago.",
    ],
    "Dutch": [
        "Wie heeft het eerste schip naar dat eiland gestuurd ?",
        "Hoeveel mensen wonen er in de grootste stad van het land ?",
        "De regering wil de belasting volgend jaar opnieuw verlagen.",
        "Het elftal verloor de wedstrijd in de laatste minuut van het spel.",
        "Waarom is de lucht overdag eigenlijk blauw en niet groen ?",
        "Onderzoekers vonden een onbekende plant hoog in de bergen.",
    ],
    "Polish": [
        "Kto napisał tę książkę i w którym roku została wydana ?",
        "Ile dni trwa podróż pociągiem przez cały ten kraj ?",
        "Rząd zapowiedział wczoraj kolejną obniżkę podatków.",
        "Piłkarze zeszli z boiska w zupełnej ciszy.",
        "Dlaczego woda w morzu jest słona, a w jeziorze nie ?",
        "Naukowcy znaleźli nowy gatunek ryby w głębokim jeziorze.",
    ],
    "Russian": [
        "Кто построил этот мост и в каком году ?",
        "Сколько людей живёт сегодня в этом городе ?",
        "Правительство вчера объявило о снижении налогов.",
        "Почему вода в море солёная ?",
    ],
    "Greek": [
        "Ποιος έγραψε αυτό το βιβλίο και πότε ;",
        "Πόσοι άνθρωποι ζουν σε αυτή την πόλη ;",
    ],
    "Chinese": ["这座桥是谁建造的，在哪一年？", "这个城市里现在住着多少人？"],
    "Hindi": ["यह पुल किसने और कब बनाया था ?", "इस शहर में आज कितने लोग रहते हैं ?"],
}

WRAPPED = [
    "Sure! {text}",
    "Sure, here is one for you: {text}",
    "Certainly! Here's a new example of the class: {text}",
    "Of course, here's a sentence: {text}",
    "Okay, here is another one: {text}",
    "Here is a text that fits the label: {text}",
    "Here are two examples as you asked: {text}",
    "Here's the question: {text}",
    "Below is an example of such a text: {text}",
    "The following is a short text on the topic: {text}",
    "As an AI language model, I would write: {text}",
    "{text} I hope this helps!",
    "{text} Let me know if you want more of them.",
    "I'm sorry, but I can't write about that. {text}",
    "**{text}**",
    "# {text}",
    "- {text}",
    "1. {text}",
    "```\n{text}\n```",
    "{label}: {text}",
    "[{label}] - {text}",
]
"""What language models put around a text."""

EMPTY = ["", " ", "\n", "...", "?", "-", '""', "ok", "N/A", "none.", "{label}", "{label}."]
"""Next to nothing."""
