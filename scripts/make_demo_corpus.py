#!/usr/bin/env python3
"""Write the demo corpus: German sentences with English translations, drawn from a small grammar.

    scripts/make_demo_corpus.py [FOLDER]

A sentence starts as abstract clauses (who does what to whom, when, where), which two renderers put into words. German
puts the verb second, or last in a subordinate clause, moves participles, infinitives and prefixes to the end, and
inflects articles and adjectives for gender, number and case. English has a fixed word order and needs "do". The
English side is a function of the German one, so a model that has learned the grammar can translate unseen sentences.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo_lexicon import (
    ADJECTIVES,
    AFTER_DER,
    AFTER_EIN,
    AFTER_NUMBER,
    ARTICLE,
    BE_HAVE,
    CONJUNCTIONS,
    DETERMINERS,
    EIN,
    MODALS,
    NOUN_TABLE,
    NUMBERS,
    PLACES,
    PRONOUNS,
    TENSES,
    THINKING,
    TIMES,
    VERB_TABLE,
    Noun,
    Text,
    Verb,
    ending,
    read_texts,
)

SEED = 1997
SIZES = {"train": 20_000, "valid": 500, "test": 500}
MAX_WORDS = 18


@dataclass(frozen=True)
class Phrase:
    """A noun phrase: its German form by case, its English form, and the verb form that agrees with it (1, 3 or p)."""

    german: Callable[[str], str]
    en: str
    person: str


@dataclass(frozen=True)
class Clause:
    subject: Phrase
    verb: Verb
    tense: str  # present, past or a modal verb
    negation: str = ""  # nicht, or kein before the object
    dative: Phrase | None = None
    object: Phrase | None = None
    time: Text | None = None
    place: Text | None = None


# Meaning: choose what to say.


def noun_phrase(
    rng: random.Random, kinds: list[str], depth: int = 0, determiners: Sequence[str] = DETERMINERS
) -> Phrase:
    """A noun with an article or number, possibly an adjective, and possibly a relative clause."""
    noun = rng.choice(NOUN_TABLE[rng.choice(kinds)])
    determiner = rng.choice(determiners)
    plural = determiner == "number" or (determiner in ("der", "mein") and rng.random() < 0.3)
    form = "p" if plural else noun.gender
    word = noun.plural if plural else noun.singular
    adjective = rng.choice(read_texts(ADJECTIVES[noun.kind], " ")) if rng.random() < 0.35 else None
    number = Text(*rng.choice(list(NUMBERS.items())))
    relative = relative_clause(rng, noun, form) if depth == 0 and rng.random() < 0.12 else None

    def german(case: str) -> str:
        bare = word.de + ("n" if form == "p" and case == "dat" and word.de[-1] not in "ns" else "")
        article, table = {
            "der": (f"d{ending(ARTICLE, case, form)}", AFTER_DER),
            "ein": (f"ein{ending(EIN, case, form)}", AFTER_EIN),
            "kein": (f"kein{ending(EIN, case, form)}", AFTER_EIN),
            "mein": (f"mein{ending(EIN, case, form)}", AFTER_EIN),
            "number": (number.de, AFTER_NUMBER),
        }[determiner]
        described = [f"{adjective.de}{ending(table, case, form)}"] if adjective else []
        return " ".join([article, *described, bare]) + (f", {relative.de}," if relative else "")

    english = f"{adjective.en} {word.en}" if adjective else word.en
    an = "an" if english[0] in "aeiou" else "a"
    article = {"der": "the", "ein": an, "kein": an, "mein": "my", "number": number.en}[determiner]
    return Phrase(german, f"{article} {english}" + (f" {relative.en}" if relative else ""), "p" if plural else "3")


def relative_clause(rng: random.Random, noun: Noun, form: str) -> Text:
    """A relative clause. The noun is its subject, or its object if that is unambiguous: for masculine nouns (because
    of "den") and for things that cannot act."""
    relative = "who" if noun.kind == "person" else "that"
    own = Phrase(lambda case: f"d{ending(ARTICLE, case, form)}", relative, "p" if form == "p" else "3")
    if noun.kind in ("person", "animal") and (form != "m" or rng.random() < 0.5):
        clause = random_clause(rng, noun.kind, own, depth=1)
        return Text(german_clause(clause, "last"), english_clause(clause))
    verb = rng.choice([verb for verb in VERB_TABLE if noun.kind in verb.objects and not verb.datives])
    subject = noun_phrase(rng, verb.subjects, depth=1)
    clause = Clause(subject, verb, rng.choice(["present", "past"]))
    return Text(f"{own.german('acc')} {german_clause(clause, 'last')}", f"that {english_clause(clause)}")


def pronoun(rng: random.Random) -> Phrase:
    german, english = rng.choice(list(PRONOUNS.items()))
    return Phrase(lambda _: german, english, {"ich": "1", "wir": "p", "er": "3"}[german])


def random_clause(
    rng: random.Random, kind: str = "", subject: Phrase | None = None, depth: int = 0, tenses: Sequence[str] = TENSES
) -> Clause:
    kind = kind or rng.choice(["person", "person", "animal"])
    verb = rng.choice([verb for verb in VERB_TABLE if kind in verb.subjects])
    if subject is None:
        subject = pronoun(rng) if kind == "person" and rng.random() < 0.2 else noun_phrase(rng, [kind], depth)
    tense = rng.choice(tenses)
    negated = tense not in MODALS and rng.random() < 0.2
    times = read_texts(TIMES["past" if tense == "past" else "present"])
    # "kein" may replace "nicht" before an object; a negated clause has no other indefinite noun phrase.
    definite = ["der", "mein"] if negated else DETERMINERS
    kein = negated and bool(verb.objects) and rng.random() < 0.6
    return Clause(
        subject,
        verb,
        tense,
        "kein" if kein else "nicht" if negated else "",
        dative=noun_phrase(rng, verb.datives, depth, definite) if verb.datives else None,
        object=noun_phrase(rng, verb.objects, depth, ["kein"] if kein else definite) if verb.objects else None,
        time=rng.choice(times) if depth == 0 and rng.random() < 0.35 else None,
        place=rng.choice(read_texts(PLACES)) if rng.random() < 0.25 else None,
    )


# Words: choose how to say it.


def conjugated(infinitive: str, third: str, person: str) -> str:
    return {"1": infinitive[:-1], "3": third, "p": infinitive}[person]


def german_verbs(clause: Clause) -> tuple[str, str]:
    """The finite verb, and the words at the end of a main clause."""
    verb, person = clause.verb, clause.subject.person
    if clause.tense == "present":
        return conjugated(verb.infinitive, verb.third, person), verb.prefix
    if clause.tense == "past":
        return BE_HAVE[verb.auxiliary][person], verb.participle
    return (clause.tense if person == "p" else MODALS[clause.tense][0]), verb.prefix + verb.infinitive


def german_clause(clause: Clause, order: str) -> str:
    """`order` is the position of the finite verb: first, second (after the subject), after the time, or last."""
    finite, end = german_verbs(clause)
    subject = clause.subject.german("nom")
    middle = [
        clause.time.de if clause.time and order != "time" else "",
        clause.dative.german("dat") if clause.dative else "",
        clause.object.german("acc") if clause.object else "",
        "nicht" if clause.negation == "nicht" else "",
        clause.place.de if clause.place else "",
    ]
    if order == "last":
        joined = f"{end}{finite}" if clause.tense == "present" else f"{end} {finite}"
        words = [subject, *middle, joined]
    elif order == "second":
        words = [subject, finite, *middle, end]
    else:
        front = clause.time.de if order == "time" and clause.time else ""
        words = [front, finite, subject, *middle, end]
    return " ".join(word for word in words if word)


def english_verb(base: str, person: str) -> str:
    """The present tense: base for I and they, -s for he."""
    first, _, rest = base.partition(" ")
    if person == "3":
        first = re.sub(r"(?<=[^aeiou])y$", "ie", first) + ("es" if re.search("(s|sh|ch|x|o)$", first) else "s")
    return f"{first} {rest}".strip()


def english_clause(clause: Clause, order: str = "second") -> str:
    """`order` is "first" in a question, "time" if the time precedes the subject, else "second"."""
    verb, person = clause.verb, clause.subject.person
    do = "did" if clause.tense == "past" else "does" if person == "3" else "do"
    front = [clause.time.en] if order == "time" and clause.time else []
    if clause.tense in MODALS:
        modal = MODALS[clause.tense][1]
        helper, action = (do, f"{modal} {verb.base}") if modal == "want to" else (modal, verb.base)
        if order != "first":
            action = (
                f"{english_verb('want', person)} to {verb.base}" if modal == "want to" else f"{modal} {verb.base}"
            )
    else:
        helper = do
        action = verb.past if clause.tense == "past" else english_verb(verb.base, person)
        if clause.negation or order == "first":
            action = verb.base
    negation = ["not"] if clause.negation and order == "first" else []
    support = [f"{do} not"] if clause.negation and order != "first" else []
    subject = [helper, clause.subject.en, *negation] if order == "first" else [clause.subject.en, *support]
    back = [phrase.en for phrase in (clause.dative, clause.object, clause.place) if phrase]
    time = [clause.time.en] if clause.time and order != "time" else []
    return " ".join([*front, *subject, action, *back, *time])


def sentence(rng: random.Random) -> Text:
    """A sentence with a random pattern."""
    pattern = rng.choice(["main", "main", "main", "question", "reason", "reason", "fronted", "that", "and"])
    clause = random_clause(rng)
    order = "time" if clause.time and rng.random() < 0.5 else "second"
    main = Text(german_clause(clause, order), english_clause(clause, order))
    if pattern == "main":
        return finished(main, ".")
    if pattern == "question":
        return finished(Text(german_clause(clause, "first"), english_clause(clause, "first")), "?")
    past = clause.tense == "past"
    other = random_clause(rng, depth=1, tenses=["past"] if past else [tense for tense in TENSES if tense != "past"])
    last = Text(german_clause(other, "last"), english_clause(other))
    if pattern == "and":
        word = rng.choice(read_texts("und=and, aber=but"))
        second = Text(german_clause(other, "second"), english_clause(other))
        return finished(Text(f"{main.de}, {word.de} {second.de}", f"{main.en}, {word.en} {second.en}"), ".")
    if pattern == "that":
        german, (third, english) = rng.choice(list(THINKING.items()))
        who = noun_phrase(rng, ["person"], depth=1)
        said = conjugated(german, third, who.person), english_verb(english, who.person)
        return finished(
            Text(f"{who.german('nom')} {said[0]}, dass {last.de}", f"{who.en} {said[1]} that {last.en}"), "."
        )
    word = rng.choice(read_texts(CONJUNCTIONS["past" if past else "present"]))
    if pattern == "reason":
        return finished(Text(f"{main.de}, {word.de} {last.de}", f"{main.en} {word.en} {last.en}"), ".")
    inverted = Text(german_clause(clause, "first"), english_clause(clause))
    return finished(Text(f"{word.de} {last.de}, {inverted.de}", f"{word.en} {last.en}, {inverted.en}"), ".")


def finished(text: Text, mark: str) -> Text:
    def finish(words: str) -> str:
        words = re.sub(r",+", ",", words).strip(",") + mark
        return words[0].upper() + words[1:]

    return Text(finish(text.de), finish(text.en))


def make(rng: random.Random, size: int) -> list[Text]:
    """`size` pairs; no two have the same source or the same target."""
    pairs: list[Text] = []
    seen: set[str] = set()
    while len(pairs) < size:
        pair = sentence(rng)
        if len(pair.de.split()) <= MAX_WORDS and not {pair.de, pair.en} & seen:
            seen |= {pair.de, pair.en}
            pairs.append(pair)
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parents[1] / "data" / "demo"
    parser.add_argument("folder", nargs="?", type=Path, default=default, help="(default: %(default)s)")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    pairs = make(random.Random(SEED), sum(SIZES.values()))
    for split, size in SIZES.items():
        part, pairs = pairs[:size], pairs[size:]
        for side in ("de", "en"):
            lines = "".join(f"{getattr(pair, side)}\n" for pair in part)
            (folder / f"{split}.{side}").write_text(lines, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
