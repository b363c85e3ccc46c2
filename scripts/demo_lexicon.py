"""The lexicon of the demo corpus (make_demo_corpus.py): German forms with English translations, and German
endings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A class, followed by its nouns: gender, German singular/plural, English singular/plural.
NOUNS = """
person
    m Mann/Männer man/men, f Frau/Frauen woman/women, n Kind/Kinder child/children, n Mädchen/Mädchen
    girl/girls, m Lehrer/Lehrer teacher/teachers, f Ärztin/Ärztinnen doctor/doctors, m Freund/Freunde
    friend/friends, f Schwester/Schwestern sister/sisters, m Bäcker/Bäcker baker/bakers, f
    Sängerin/Sängerinnen singer/singers
animal
    m Hund/Hunde dog/dogs, f Katze/Katzen cat/cats, n Pferd/Pferde horse/horses, m Vogel/Vögel bird/birds, f
    Kuh/Kühe cow/cows, m Fuchs/Füchse fox/foxes, f Maus/Mäuse mouse/mice, n Huhn/Hühner hen/hens
text
    n Buch/Bücher book/books, m Brief/Briefe letter/letters, f Zeitung/Zeitungen newspaper/newspapers, n
    Gedicht/Gedichte poem/poems, f Geschichte/Geschichten story/stories
food
    m Apfel/Äpfel apple/apples, m Kuchen/Kuchen cake/cakes, f Suppe/Suppen soup/soups, n Ei/Eier egg/eggs, f
    Birne/Birnen pear/pears
thing
    m Ball/Bälle ball/balls, f Uhr/Uhren clock/clocks, n Bild/Bilder picture/pictures, f Lampe/Lampen
    lamp/lamps, m Stuhl/Stühle chair/chairs, n Auto/Autos car/cars, m Schlüssel/Schlüssel key/keys, n
    Messer/Messer knife/knives
opening
    n Fenster/Fenster window/windows, f Tür/Türen door/doors, f Tasche/Taschen bag/bags, m Koffer/Koffer
    suitcase/suitcases
"""
ADJECTIVES = {
    "person": "alt old, jung young, klein small, klug clever, freundlich friendly, hungrig hungry, fröhlich cheerful",
    "animal": "alt old, jung young, klein small, groß big, schwarz black, hungrig hungry, schnell fast",
    "text": "alt old, neu new, lang long, kurz short, schön beautiful",
    "food": "groß big, klein small, gut good, süß sweet",
    "thing": "alt old, neu new, groß big, klein small, schön beautiful, schwarz black, weiß white",
    "opening": "alt old, neu new, groß big, klein small, schwer heavy",
}
# Classes: subject > dative : accusative. Then verbs: prefix|infinitive, third person, participle (+ if the perfect
# takes "sein"), English base/past.
VERBS = """
person animal
    schlafen schläft geschlafen sleep/slept, laufen läuft +gelaufen run/ran, warten wartet gewartet
    wait/waited, ein|schlafen schläft +eingeschlafen fall_asleep/fell_asleep, weg|laufen läuft +weggelaufen
    run_away/ran_away
person
    arbeiten arbeitet gearbeitet work/worked, lachen lacht gelacht laugh/laughed, singen singt gesungen
    sing/sang, tanzen tanzt getanzt dance/danced, auf|stehen steht +aufgestanden get_up/got_up
person : text
    lesen liest gelesen read/read, schreiben schreibt geschrieben write/wrote
person : food
    essen isst gegessen eat/ate, mit|bringen bringt mitgebracht bring/brought
person : food text thing
    kaufen kauft gekauft buy/bought, verkaufen verkauft verkauft sell/sold
person : thing opening
    suchen sucht gesucht look_for/looked_for, finden findet gefunden find/found
person : opening
    auf|machen macht aufgemacht open/opened, zu|machen macht zugemacht close/closed
person : animal thing
    malen malt gemalt paint/painted
person : person
    besuchen besucht besucht visit/visited, an|rufen ruft angerufen call/called, ein|laden lädt eingeladen
    invite/invited
person animal : person animal
    sehen sieht gesehen see/saw, hören hört gehört hear/heard
person animal > person animal
    folgen folgt +gefolgt follow/followed
person > person
    helfen hilft geholfen help/helped, danken dankt gedankt thank/thanked
person > person : text food thing
    geben gibt gegeben give/gave, zeigen zeigt gezeigt show/showed, schicken schickt geschickt send/sent
"""
MODALS = {"können": ("kann", "can"), "müssen": ("muss", "must"), "wollen": ("will", "want to")}
TENSES = ["present", "past", "past", "present", *MODALS]
DETERMINERS = ["der", "der", "der", "ein", "ein", "mein", "number"]
THINKING = {"glauben": ("glaubt", "believe"), "wissen": ("weiß", "know"), "sagen": ("sagt", "say")}
PLACES = (
    "im Garten=in the garden, im Haus=in the house, in der Küche=in the kitchen, in der Stadt=in the town, "
    "im Wald=in the forest, im Dorf=in the village, in der Schule=at school, im Park=in the park"
)
TIMES = {
    "present": "heute=today, jeden Tag=every day, jetzt=now, am Abend=in the evening, im Sommer=in summer",
    "past": "gestern=yesterday, letzte Woche=last week, am Montag=on Monday, heute Morgen=this morning",
}
CONJUNCTIONS = {
    "present": "weil=because, wenn=when, obwohl=although, während=while",
    "past": "weil=because, als=when, obwohl=although, während=while",
}
NUMBERS = {"zwei": "two", "drei": "three", "vier": "four", "fünf": "five"}
PRONOUNS = {"ich": "I", "wir": "we", "er": "he"}

# Endings by case, then gender or plural (m f n p): of der-words (stem d-), of ein-words, and of adjectives after each
# of these or after a number (p only).
ARTICLE = {"nom": "er ie as ie", "acc": "en ie as ie", "dat": "em er em en"}
EIN = {"nom": "- e - e", "acc": "en e - e", "dat": "em er em en"}
AFTER_DER = {"nom": "e e e en", "acc": "en e e en", "dat": "en en en en"}
AFTER_EIN = {"nom": "er e es en", "acc": "en e es en", "dat": "en en en en"}
AFTER_NUMBER = {"nom": "- - - e", "acc": "- - - e", "dat": "- - - en"}


def ending(table: dict[str, str], case: str, form: str) -> str:
    return table[case].split()["mfnp".index(form)].strip("-")


@dataclass(frozen=True)
class Text:
    de: str
    en: str


@dataclass(frozen=True)
class Noun:
    kind: str
    gender: str
    singular: Text
    plural: Text


@dataclass(frozen=True)
class Verb:
    prefix: str
    infinitive: str  # without prefix
    third: str
    participle: str
    auxiliary: str
    base: str
    past: str
    subjects: list[str]
    datives: list[str]
    objects: list[str]


def read_texts(table: str, separator: str = "=") -> list[Text]:
    return [Text(*entry.strip().split(separator)) for entry in table.split(",")]


def read_blocks(table: str) -> Iterator[tuple[str, list[str]]]:
    """Each unindented line with the indented entries below it."""
    for block in re.split(r"\n(?! )", table.strip()):
        head, _, entries = block.partition("\n")
        yield head, [" ".join(entry.split()) for entry in entries.split(",")]


def read_nouns() -> dict[str, list[Noun]]:
    nouns: dict[str, list[Noun]] = {}
    for kind, entries in read_blocks(NOUNS):
        for entry in entries:
            gender, german, english = entry.split()
            (de, de_plural), (en, en_plural) = german.split("/"), english.split("/")
            nouns.setdefault(kind, []).append(Noun(kind, gender, Text(de, en), Text(de_plural, en_plural)))
    return nouns


def read_verbs() -> list[Verb]:
    verbs = []
    for roles, entries in read_blocks(VERBS):
        people, _, objects = roles.partition(":")
        people, _, datives = people.partition(">")
        for entry in entries:
            infinitive, third, participle, english = entry.split()
            prefix, _, infinitive = infinitive.rpartition("|")
            auxiliary = "sein" if participle.startswith("+") else "haben"
            base, past = english.replace("_", " ").split("/")
            kinds = people.split(), datives.split(), objects.split()
            verbs.append(Verb(prefix, infinitive, third, participle.strip("+"), auxiliary, base, past, *kinds))
    return verbs


NOUN_TABLE, VERB_TABLE = read_nouns(), read_verbs()
BE_HAVE = {"sein": {"1": "bin", "3": "ist", "p": "sind"}, "haben": {"1": "habe", "3": "hat", "p": "haben"}}
