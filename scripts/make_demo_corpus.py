"""Write the demo corpus: German sentences with English translations, drawn from a small grammar.

    python scripts/make_demo_corpus.py [OUTPUT_DIR]

A sentence starts as abstract clauses (a verb, its roles, a tense) that two renderers put into words.
German asks for cases, split verbs and verb-final subordinate clauses; English for a fixed word order
and do-support. The English side is a function of the German one, so a model that has learned the
grammar can translate sentences it has never seen without guessing.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeVar

SEED = 2014
SIZES = {"train": 20_000, "valid": 500, "test": 500}
LENGTHS = range(3, 19)  # German words

# Kind, which says what goes with what | nouns, with a plural if they have one | adjectives.
NOUN_TABLE = """
person | der Mann/Männer=man/men, die Frau/Frauen=woman/women, der Lehrer/Lehrer=teacher, der Gast/Gäste=guest,
    die Ärztin/Ärztinnen=doctor, der Student/Studenten=student, der Koch/Köche=cook, der Bauer/Bauern=farmer
    | alt=old, jung=young, freundlich=friendly, klug=clever, groß=tall, nett=nice
child | das Kind/Kinder=child/children, der Junge/Jungen=boy, das Mädchen/Mädchen=girl
    | klein=small, klug=clever, nett=nice, freundlich=friendly
sibling | der Bruder/Brüder=brother, die Schwester/Schwestern=sister, der Sohn/Söhne=son,
    die Tochter/Töchter=daughter | klein=little, lieb=dear
elder | der Vater=father, die Mutter=mother, die Großmutter=grandmother, der Onkel=uncle, die Tante/Tanten=aunt,
    der Freund/Freunde=friend | alt=old, lieb=dear
name | die Anna=Anna, der Paul=Paul, die Maria=Maria, der Peter=Peter, die Lena=Lena, der Tom=Tom |
animal | der Hund/Hunde=dog, die Katze/Katzen=cat, das Pferd/Pferde=horse, der Vogel/Vögel=bird,
    die Kuh/Kühe=cow, die Maus/Mäuse=mouse/mice, das Schaf/Schafe=sheep/sheep
    | groß=big, klein=small, schwarz=black, weiß=white, schnell=fast, jung=young
fodder | das Gras=grass, das Heu=hay, die Karotte/Karotten=carrot | frisch=fresh, gut=good
fruit | der Apfel/Äpfel=apple, die Birne/Birnen=pear, die Orange/Orangen=orange
    | groß=big, klein=small, frisch=fresh
meal | das Ei/Eier=egg, die Kartoffel/Kartoffeln=potato/potatoes, die Suppe=soup, das Fleisch=meat
    | warm=warm, frisch=fresh, gut=good
bakery | das Brot=bread, der Kuchen/Kuchen=cake | frisch=fresh, gut=good
drink | das Wasser=water, die Milch=milk, der Tee=tea, der Kaffee=coffee, der Saft=juice
    | warm=warm, kalt=cold, gut=good
text | das Buch/Bücher=book, der Brief/Briefe=letter, das Gedicht/Gedichte=poem, der Roman/Romane=novel
    | interessant=interesting, lang=long, kurz=short, alt=old, schön=beautiful
tale | die Geschichte/Geschichten=story/stories, der Witz/Witze=joke
    | interessant=interesting, lang=long, kurz=short, gut=good
news | die Zeitung/Zeitungen=newspaper | alt=old, neu=new, interessant=interesting
song | das Lied/Lieder=song | schön=beautiful, lang=long, neu=new, kurz=short
thing | der Schlüssel/Schlüssel=key, die Tasche/Taschen=bag, der Ball/Bälle=ball, die Uhr/Uhren=clock,
    das Bild/Bilder=picture, der Regenschirm/Regenschirme=umbrella, das Geschenk/Geschenke=gift,
    das Messer/Messer=knife/knives | neu=new, alt=old, klein=small, groß=big, schön=beautiful, teuer=expensive
clothes | der Mantel/Mäntel=coat, der Hut/Hüte=hat, das Kleid/Kleider=dress/dresses, die Jacke/Jacken=jacket,
    das Hemd/Hemden=shirt | rot=red, blau=blue, schwarz=black, weiß=white, warm=warm, neu=new
vehicle | das Auto/Autos=car, das Fahrrad/Fahrräder=bicycle, das Boot/Boote=boat
    | neu=new, alt=old, schnell=fast, rot=red, blau=blue, teuer=expensive
building | das Haus/Häuser=house, die Brücke/Brücken=bridge, der Turm/Türme=tower
    | groß=big, alt=old, neu=new, schön=beautiful
device | die Lampe/Lampen=lamp, der Computer/Computer=computer, das Radio/Radios=radio
    | neu=new, alt=old, teuer=expensive
opening | die Tür/Türen=door, das Fenster/Fenster=window, der Koffer/Koffer=suitcase
    | groß=big, klein=small, alt=old
furniture | der Tisch=table, der Stuhl=chair, das Bett=bed, das Sofa=sofa
    | neu=new, alt=old, klein=small, groß=big
room | das Zimmer=room, die Küche=kitchen | kalt=cold, groß=big, klein=small
nature | der Garten=garden, der Park=park, der Wald=forest
    | groß=big, klein=small, alt=old, schön=beautiful
town | die Stadt=town, das Dorf=village, das Hotel=hotel
    | groß=big, klein=small, alt=old, schön=beautiful
house | die Schule=school, die Bibliothek=library, das Museum=museum, das Büro=office
    | groß=big, klein=small, neu=new, alt=old
"""
HUMAN = ["person", "child", "sibling", "elder", "name"]
ANIMATE = [*HUMAN, "animal"]
GROUPS = {"human": HUMAN, "animate": ANIMATE, "adult": [kind for kind in HUMAN if kind != "child"]}
LOCATIONS = ["room", "nature", "town", "house"]
MASS = ["fodder", "meal", "bakery", "drink"]  # without an article where others have 'ein'
OWNED = ["animal", "fruit", "bakery", "drink", "text", "thing", "clothes", "vehicle", "device", "opening"]
WEAK_NOUNS = ["Junge", "Student", "Bauer"]  # end like the plural in all cases but the nominative

# Kinds of subject > dative : accusative @ place (in brackets if optional) | infinitive (- after a separable
# prefix), 3rd person, preterite and participle if irregular (+ if the perfect has 'sein') = English base/past/
# participle, particle. * marks states and ! momentary events: English has no progressive of them. The verbs
# in the last row have sentence patterns of their own, and some irregular forms of ich/du/er/wir.
VERB_TABLE = """
human | lachen=laugh, fern-sehen sieht sah ferngesehen=watch television,
    auf-stehen steht stand +aufgestanden=get/got/got up
human @ (in) | tanzen=dance, spielen=play, frühstücken=have/had/had breakfast
animate @ (in) | schlafen schläft schlief geschlafen=sleep/slept/slept, warten=wait,
    ein-schlafen schläft schlief +eingeschlafen=fall/fell/fallen asleep
adult @ (in) | arbeiten=work
human @ town | *wohnen=live, an-kommen kommt kam +angekommen=arrive
animate @ in | bleiben bleibt blieb +geblieben=stay
human @ from | zurück-kommen kommt kam +zurückgekommen=come/came/come back
human @ seat | sitzen sitzt saß gesessen=sit/sat/sat
animal thing clothes text fruit bakery @ on | *liegen liegt lag gelegen=lie/lay/lain
drink device @ on | *stehen steht stand gestanden=stand/stood/stood
vehicle building @ in | *stehen steht stand gestanden=stand/stood/stood
human @ into to | gehen geht ging +gegangen=go/went/gone
animate @ into to | laufen läuft lief +gelaufen=run/ran/run
adult @ to | fahren fährt fuhr +gefahren=drive/drove/driven
human : thing clothes text @ onto | legen=put/put/put
human : text tale news @ (in) | lesen liest las gelesen=read/read/read
human : text tale song @ (in) | schreiben schreibt schrieb geschrieben=write/wrote/written
human : song @ (in) | singen singt sang gesungen=sing/sang/sung
human : fruit meal bakery @ (in) | essen isst aß gegessen=eat/ate/eaten
animal : fodder @ (in) | fressen frisst fraß gefressen=eat/ate/eaten
human : drink @ (in) | trinken trinkt trank getrunken=drink/drank/drunk
adult : meal @ (in) | kochen=cook
adult : bakery | backen backt backte gebacken=bake
adult : thing clothes vehicle fruit bakery furniture | kaufen=buy/bought/bought
adult : thing clothes vehicle building | verkaufen=sell/sold/sold
adult : vehicle clothes | waschen wäscht wusch gewaschen=wash
adult : vehicle device | reparieren=repair
adult : building | bauen=build/built/built
human : opening | auf-machen=open, zu-machen=close
human : room | auf-räumen=tidy
human : device | ein-schalten=turn on, aus-schalten=turn off
human : clothes | tragen trägt trug getragen=wear/wore/worn, an-ziehen zieht zog angezogen=put/put/put on
human : thing clothes | !finden findet fand gefunden=find/found/found, *brauchen=need,
    !verlieren verliert verlor verloren=lose/lost/lost
human : animal | füttern=feed/fed/fed
animate : human animal | *sehen sieht sah gesehen=see/saw/seen, suchen=look for
human : sibling elder name animal | *lieben=love
human : human | *kennen kennt kannte gekannt=know/knew/known, besuchen=visit, an-rufen ruft rief angerufen=call,
    ein-laden lädt lud eingeladen=invite
adult : human | ab-holen=collect
human > human | helfen hilft half geholfen=help, danken=thank, antworten=answer
animate > human | folgen folgt folgte +gefolgt=follow
thing clothes vehicle building animal > human | *gehören=belong to
text song building clothes vehicle town nature house > human | *gefallen gefällt gefiel gefallen=like
human > human : thing clothes fruit text | geben gibt gab gegeben=give/gave/given, zeigen=show/showed/shown,
    bringen bringt brachte gebracht=bring/brought/brought
adult > human : thing text | schicken=send/sent/sent
human > human : text tale | vor-lesen liest las vorgelesen=read/read/read
human > human : tale | erzählen=tell/told/told
| sein bin/bist/ist/sind war +gewesen=be/was/been, haben habe/hast/hat/haben hatte gehabt=have/had/had,
    werden werde/wirst/wird/werden wurde +geworden=will, regnen regnet regnete geregnet=rain, schneien=snow,
    wissen weiß/weißt/weiß/wissen wusste gewusst=know/knew/known, sagen=say/said/said, fragen=ask,
    glauben=believe, hoffen=hope, versuchen=try, an-fangen fängt fing angefangen=begin/began/begun,
    vergessen vergisst vergaß vergessen=forget/forgot/forgotten,
    beschließen beschließt beschloss beschlossen=decide, können kann/kannst/kann/können konnte gekonnt=can/could,
    müssen muss/musst/muss/müssen musste gemusst=have/had to,
    wollen will/willst/will/wollen wollte gewollt=want/wanted to,
    dürfen darf/darfst/darf/dürfen durfte gedurft=be/was allowed to,
    möchten möchte/möchtest/möchte/möchten mochte gemocht=would/would like to,
    sollen soll/sollst/soll/sollen sollte gesollt=should/should
"""
DOUBLED = ["run", "sit", "get", "put"]  # 'running'
# The form with 'ich' is a word of its own; these verbs have it, others only with an auxiliary.
FIRST_PERSON = ["lesen", "trinken", "essen", "gehen", "suchen", "kaufen", "helfen", "arbeiten", "schreiben"]

T = TypeVar("T")


class Text(NamedTuple):
    """A German expression and its translation."""

    de: str
    en: str


def texts(table: str) -> list[Text]:
    """Read 'müde=tired, krank=ill'."""
    return [Text(*entry.strip().split("=")) for entry in table.split(",")]


def fill(template: Text, *parts: Text) -> Text:
    return Text(
        template.de.format(*(part.de for part in parts)), template.en.format(*(part.en for part in parts))
    )


COMPARATIVES = {
    "person": texts("älter=older, jünger=younger, größer=taller"),
    "animal": texts("größer=bigger, kleiner=smaller, schneller=faster, älter=older, jünger=younger"),
    "vehicle": texts("schneller=faster, teurer=more expensive, kleiner=smaller"),
    "building": texts("größer=bigger, älter=older, schöner=more beautiful"),
}
STATES = texts("müde=tired, krank=ill, hungrig=hungry, durstig=thirsty, allein=alone")
MEANS = texts("keine Zeit=no time, viel Zeit=a lot of time, kein Geld=no money, viel Geld=a lot of money")
WEATHER = texts("kalt=cold, warm=warm, dunkel=dark")
DEGREES = texts("=, sehr=very, zu=too, nicht=not")
CITIES = texts("Berlin=Berlin, Hamburg=Hamburg, München=Munich, Wien=Vienna, Köln=Cologne")
NUMBERS = texts("zwei=two, drei=three, vier=four, fünf=five, sechs=six, sieben=seven, acht=eight, zehn=ten")
DAYS = texts("Montag=Monday, Dienstag=Tuesday, Freitag=Friday, Samstag=Saturday, Sonntag=Sunday")
SIDES = texts("auf=on, unter=under, neben=beside, hinter=behind")
PLACES = {  # prepositions, the case they ask for, the kinds of place, the preposition of cities
    "in": (texts("in=in"), "dative", LOCATIONS, Text("in {}", "in {}")),
    "town": (texts("in=in"), "dative", ["town"], Text("in {}", "in {}")),
    "from": (texts("aus=from"), "dative", LOCATIONS, Text("aus {}", "from {}")),
    "to": (texts("zu=to"), "dative", ["nature", "town", "house"], Text("nach {}", "to {}")),
    "into": (texts("in=into"), "accusative", ["room", "nature", "house"], None),
    "on": (SIDES, "dative", ["furniture"], None),
    "onto": (SIDES, "accusative", ["furniture"], None),
    "seat": (texts("auf=on, neben=beside"), "dative", ["furniture"], None),
}
CONTRACTIONS = {"in dem ": "im ", "in das ": "ins ", "zu dem ": "zum ", "zu der ": "zur "}

# A tense on both sides.
PRESENT, NOW, SOON = Text("present", "present"), Text("present", "progressive"), Text("present", "future")
PERFECT, DONE, PRETERITE = Text("perfect", "past"), Text("perfect", "perfect"), Text("preterite", "past")
FUTURE, PLUPERFECT = Text("future", "future"), Text("pluperfect", "pluperfect")
INFINITIVE = Text("infinitive", "infinitive")
PAST = [PERFECT, PRETERITE, PRETERITE]

# Scenarios: tenses with adverbs. Where an adverb has no translation, the English tense tells it.
HOURS = [fill(Text("um {} Uhr", "at {} o'clock"), number) for number in NUMBERS]
AGO = [fill(Text("vor {} Tagen", "{} days ago"), number) for number in NUMBERS]
LATER = [fill(Text("in {} Tagen", "in {} days"), number) for number in NUMBERS]
ON_DAY = [fill(Text("am {}", "on {}"), day) for day in DAYS]
SCENARIOS: dict[str, tuple[list[Text], Sequence[Text | None]]] = {
    "plain": ([PRESENT], [None]),
    "habit": (
        [PRESENT],
        [*texts("jeden Tag=every day, jeden Morgen=every morning, am Abend=in the evening"), *HOURS],
    ),
    "often": ([PRESENT], texts("oft=often, immer=always, manchmal=sometimes, nie=never")),
    "now": ([NOW], texts("gerade=, jetzt=now, heute=today")),
    "soon": ([SOON, FUTURE], [*texts("morgen=tomorrow, bald=soon, nächste Woche=next week") * 4, *LATER]),
    "past": (PAST, [None]),
    "dated": (PAST, [*texts("gestern=yesterday, letzte Woche=last week") * 4, *ON_DAY, *AGO]),
    "told": ([PRETERITE], [None]),
    "earlier": ([PLUPERFECT], [None]),
    "done": ([DONE], texts("schon=already")),
}
ANY = ["plain", "habit", "often", "now", "now", "now", "past", "past", "dated", "soon", "done"]
PRE_VERBAL = ["often", "always", "sometimes", "never", "already"]
PRESENT_MODALS = ["können", "müssen", "wollen", "dürfen", "möchten", "sollen"]
PAST_MODALS = PRESENT_MODALS[:4]
MODAL_SCENARIOS = ["plain", "soon", "past", "dated"]
ATTEMPTS = ["versuchen", "vergessen", "beschließen", "anfangen"]
TIME_CLAUSES = [  # conjunction, scenario of its clause, scenario of the main clause
    (Text("wenn", "when"), "plain", "plain"),
    (Text("wenn", "when"), "plain", "often"),
    (Text("als", "when"), "told", "past"),
    (Text("als", "when"), "told", "told"),
    (Text("bevor", "before"), "plain", "often"),
    (Text("bevor", "before"), "told", "past"),
    (Text("nachdem", "after"), "earlier", "told"),
    (Text("während", "while"), "plain", "plain"),
    (Text("während", "while"), "told", "told"),
    (Text("während", "while"), "told", "past"),
]


@dataclass(frozen=True)
class Noun:
    de: str
    plural: str
    en: str
    en_plural: str
    gender: int  # a column in the tables of endings
    kind: str


def read_noun(entry: str, kind: str) -> Noun:
    german, english = entry.strip().split("=")
    article, german = german.split()
    de, _, plural = german.partition("/")
    en, _, en_plural = english.partition("/")
    return Noun(de, plural, en, en_plural or f"{en}s", ("der", "die", "das").index(article), kind)


@dataclass(frozen=True)
class Verb:
    prefix: str
    infinitive: str  # without the prefix
    present: Sequence[str]  # ich, du, er, wir
    preterite: str
    participle: str
    auxiliary: str
    en: Sequence[str]  # base, past, participle
    particle: str
    mark: str
    kinds: dict[str, list[str]]  # by role
    places: list[str]

    @property
    def name(self) -> str:
        return self.prefix + self.infinitive


def read_verb(entry: str, frame: str) -> Verb:
    german, english = entry.strip().split("=")
    infinitive, *irregular = german.lstrip("*!").split()
    prefix, _, infinitive = infinitive.rpartition("-")
    stem = infinitive.removesuffix("n").removesuffix("e")
    third, preterite, participle = irregular or weak_forms(stem, prefix)
    present = third.split("/") if "/" in third else [f"{stem}e", "", third, infinitive]
    auxiliary = "sein" if participle.startswith("+") else "haben"
    forms, _, particle = english.partition(" ")
    en = forms.split("/") if "/" in forms else [forms, past_form(forms), past_form(forms)]
    names, _, places = frame.partition("@")
    people, _, accusative = names.partition(":")
    subject, _, dative = people.partition(">")
    kinds = {"subject": expand(subject), "dative": expand(dative), "accusative": expand(accusative)}
    german_forms = (prefix, infinitive, present, preterite, participle.removeprefix("+"), auxiliary)
    return Verb(*german_forms, en, particle, re.match(r"[*!]?", german)[0], kinds, places.split())


def expand(names: str) -> list[str]:
    return [kind for name in names.split() for kind in GROUPS.get(name, [name])]


def weak_forms(stem: str, prefix: str) -> tuple[str, str, str]:
    root = stem + "e" if stem[-1] in "td" else stem
    ge = "" if stem.startswith(("be", "ver", "er")) or stem.endswith("ier") else "ge"
    return f"{root}t", f"{root}te", f"{prefix}{ge}{root}t"


def past_form(verb: str) -> str:
    return re.sub(r"(?<=[^aeiou])y$", "i", verb.removesuffix("e")) + "ed"


def third_person(verb: str) -> str:
    if verb == "have":
        return "has"
    return re.sub(r"(?<=[^aeiou])y$", "ie", verb) + ("es" if verb.endswith(("sh", "ch", "o")) else "s")


def gerund(verb: str) -> str:
    return (verb + verb[-1] if verb in DOUBLED else verb.removesuffix("e")) + "ing"


def rows(table: str) -> list[list[str]]:
    """The cells of a table whose rows may go on in indented lines."""
    return [[cell.strip() for cell in row.split("|")] for row in re.split(r"\n(?=\S)", table.strip())]


NOUNS = {kind: [read_noun(entry, kind) for entry in nouns.split(",")] for kind, nouns, _ in rows(NOUN_TABLE)}
ADJECTIVES = {kind: texts(adjectives) for kind, _, adjectives in rows(NOUN_TABLE) if adjectives}
ALL_VERBS = [read_verb(entry, frame) for frame, verbs in rows(VERB_TABLE) for entry in verbs.split(",")]
NAMED = {verb.name: verb for verb in ALL_VERBS}
# Thrice as often: separable verbs for their many forms, things as subjects for those of their adjectives.
VERBS = [
    verb
    for verb in ALL_VERBS
    for _ in range(3 if verb.prefix or "name" not in verb.kinds["subject"] else 1)
    if verb.kinds["subject"]
]

# Endings in the nominative, accusative and dative of masculine, feminine, neuter and plural.
DEFINITE = ["er ie as ie", "en ie as ie", "em er em en"]
INDEFINITE = ["- e - e", "en e - e", "em er em en"]
STRONG = ["er e es e", "en e es e", "em er em en"]
MIXED = ["er e es en", "en e es en", "en en en en"]
WEAK = ["e e e en", "en e e en", "en en en en"]
BARE = ["- - - -"] * 3
PLURAL = 3
CASES = {"subject": 0, "accusative": 1, "dative": 2}


def ending(table: Sequence[str], case: int, column: int) -> str:
    return table[case].split()[column].strip("-")


class Determiner(NamedTuple):
    """A determiner with its endings and those of an adjective after it."""

    de: str
    en: str
    en_plural: str
    endings: Sequence[str]
    adjective: Sequence[str]


THE = Determiner("d", "the", "the", DEFINITE, WEAK)
THIS = Determiner("dies", "this", "these", STRONG, WEAK)
A = Determiner("ein", "a", "", INDEFINITE, MIXED)
NO = Determiner("kein", "a", "any", INDEFINITE, MIXED)  # in English the verb is negated
NONE = Determiner("", "", "", BARE, STRONG)
MANY = Determiner("viel", "", "many", STRONG, STRONG)
COUNTS = [Determiner(number.de, "", number.en, BARE, STRONG) for number in NUMBERS]
INTRODUCING = [A, NO, NONE, MANY, *COUNTS]  # what has not been spoken of


@dataclass(frozen=True)
class Phrase:
    """A subject or an object in all its cases."""

    de: Sequence[str]  # by case
    en: Sequence[str]  # as a subject, as an object
    agreement: str  # 1s, 2s, 3s or pl
    kind: str
    own: Determiner  # 'its'
    anaphor: "Phrase | None" = None  # 'it'; a pronoun has none
    column: int = PLURAL  # in the tables of endings
    determiner: Determiner | None = None
    wh: bool = False  # opens its clause in both languages
    relative: "Clause | None" = None


def pronoun(agreement: str, de: str, en: str, kind: str = "name", wh: bool = False) -> Phrase:
    *german_forms, german_own = de.split()
    *english_forms, english_own = en.split()
    own = Determiner(german_own, english_own, english_own, INDEFINITE, MIXED)
    return Phrase(german_forms, english_forms, agreement, kind, own, wh=wh)


THIRD = ["er ihn ihm sein", "sie sie ihr ihr", "es es ihm sein", "sie sie ihnen ihr"]
HE, SHE, IT, THEY = "he him his", "she her her", "it it its", "they them their"
ME, YOU = pronoun("1s", "ich mich mir mein", "I me my"), pronoun("2s", "du dich dir dein", "you you your")
US, THEM = pronoun("pl", "wir uns uns unser", "we us our"), pronoun("pl", THIRD[PLURAL], THEY)
PRONOUNS = [ME, ME, US, pronoun("3s", THIRD[0], HE), pronoun("3s", THIRD[1], SHE), THEM]
WEATHER_IT = pronoun("3s", THIRD[2], IT)
WHO = pronoun("3s", "wer wen wem -", "who whom -", kind="", wh=True)
WHAT = pronoun("3s", "was was - -", "what what -", kind="", wh=True)


def noun_phrase(
    noun: Noun, determiner: Determiner, plural: bool = False, adjective: Text | None = None
) -> Phrase:
    column = PLURAL if plural else noun.gender
    de = []
    for case in CASES.values():
        form = noun.plural if plural or (noun.de in WEAK_NOUNS and case) else noun.de
        if plural and case == CASES["dative"] and form[-1] not in "ns":
            form += "n"
        article = determiner.de + ending(determiner.endings, case, column)
        stem = adjective and adjective.de.replace("teuer", "teur")
        de.append(join([article, stem and stem + ending(determiner.adjective, case, column), form]))
    any_amount = plural or (determiner is NO and not noun.plural)  # 'any bread'
    words = [determiner.en_plural if any_amount else determiner.en, adjective and adjective.en]
    en = join([*words, noun.en_plural if plural else noun.en])
    person = noun.kind in HUMAN and noun.de != "Kind"
    forms = THEY if plural else (HE, SHE, SHE)[noun.gender] if person else IT
    anaphor = pronoun("pl" if plural else "3s", THIRD[column], forms, noun.kind)
    return Phrase(de, [en, en], anaphor.agreement, noun.kind, anaphor.own, anaphor, column, determiner)


def relative_pronoun(head: Phrase) -> Phrase:
    forms = ["d" + ending(DEFINITE, case, head.column) for case in CASES.values()]
    if head.column == PLURAL:
        forms[CASES["dative"]] = "denen"
    who = "who whom" if head.kind in HUMAN else "that that"
    return pronoun(head.agreement, join([*forms, head.own.de]), f"{who} {head.own.en}", head.kind, wh=True)


def join(words: Iterable[str | None]) -> str:
    return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Clause:
    verb: Verb
    subject: Phrase
    tense: Text
    modal: Verb | None = None
    dative: Phrase | None = None
    accusative: Phrase | None = None
    goal: Text | None = None  # bound to the verb: a direction, a predicate
    place: Text | None = None
    time: Text | None = None
    negated: bool = False
    front: str = "subject"  # the role that stands first in German


def render(clause: Clause, order: str = "second", question: bool = False) -> Text:
    return Text(german(clause, order), english(clause, question))


def german(clause: Clause, order: str) -> str:
    """The clause with its finite verb 'first', 'second' or 'final', or with an 'infinitive'."""
    verb, (finite, rest) = clause.verb, german_verb(clause)
    front, middle = german_role(clause, clause.front), german_middle(clause)
    if clause.front != "subject":
        middle = [german_role(clause, "subject"), *middle]
    match order:
        case "first":
            words = [finite, front, *middle, rest]
        case "second":
            words = [front, finite, *middle, rest]
        case "final":  # a separable prefix joins its verb again
            words = [front, *middle, rest + finite if rest == verb.prefix else f"{rest} {finite}"]
        case _:
            words = [*middle, f"{verb.prefix}zu{verb.infinitive}" if verb.prefix else f"zu {verb.infinitive}"]
    if clause.accusative and clause.accusative.relative:
        words.append(f", {german(clause.accusative.relative, 'final')},")
    return join(words)


def german_role(clause: Clause, role: str) -> str:
    value = getattr(clause, role)
    if not isinstance(value, Phrase):
        return value.de if value else ""
    relative = value.relative if role == "subject" else None  # that of an object follows the clause
    return value.de[CASES[role]] + (f", {german(relative, 'final')}," if relative else "")


def german_middle(clause: Clause) -> list[str]:
    """What stands between the two parts of the verb: the known before the new."""
    objects = [role for role in ("dative", "accusative") if getattr(clause, role)]
    new = [role for role in objects if getattr(clause, role).determiner in INTRODUCING]
    known = [role for role in objects if role not in new]
    order = [*known[:1], "time", *known[1:], "not", "place", *new, "goal"]
    no = clause.accusative and clause.accusative.determiner is NO
    nicht = "nicht" if clause.negated and not no else ""
    return [nicht if role == "not" else german_role(clause, role) for role in order if role != clause.front]


def german_verb(clause: Clause) -> tuple[str, str]:
    """The finite verb, and what closes the clause."""
    verb, tense, agreement = clause.verb, clause.tense.de, clause.subject.agreement
    if tense == "future":
        return finite_form(NAMED["werden"], "present", agreement), verb.name
    if tense in ("perfect", "pluperfect"):
        auxiliary_tense = "present" if tense == "perfect" else "preterite"
        return finite_form(NAMED[verb.auxiliary], auxiliary_tense, agreement), verb.participle
    if clause.modal:
        return finite_form(clause.modal, tense, agreement), verb.name
    return finite_form(verb, tense, agreement), verb.prefix


def finite_form(verb: Verb, tense: str, agreement: str) -> str:
    if tense == "present":
        return verb.present[("1s", "2s", "3s", "pl").index(agreement)]
    plural = "n" if verb.preterite.endswith("e") else "en"
    return verb.preterite + (plural if agreement == "pl" else "")


def english(clause: Clause, question: bool = False) -> str:
    if clause.verb is NAMED["gefallen"] and clause.dative:  # what pleases someone is what someone likes
        clause = replace(clause, subject=clause.dative, dative=None, accusative=clause.subject)
    inverted = question and not clause.subject.wh
    auxiliary, verb = english_verb(clause, support=inverted or clause.negated)
    roles = ["accusative", "dative"] if with_to(clause) else ["dative", "accusative"]
    roles += ["goal", "place", "time"]
    lead = [role for role in roles if getattr(getattr(clause, role), "wh", role == clause.front)]
    middle = ["time"] if clause.time and clause.time.en in PRE_VERBAL else []
    start = [] if clause.tense is INFINITIVE else [english_role(clause, "subject"), auxiliary]
    words = [english_role(clause, role) for role in lead] + (start[::-1] if inverted else start)
    words += ["not" if clause.negated else "", *(english_role(clause, role) for role in middle), verb]
    return join(words + [english_role(clause, role) for role in roles if role not in (*lead, *middle)])


def with_to(clause: Clause) -> bool:
    """Whether 'give' wants 'a book to Anna'; it is 'give her a book'."""
    pair = clause.dative and clause.accusative and not clause.accusative.relative
    return bool(pair and clause.dative and clause.dative.anaphor)


def english_role(clause: Clause, role: str) -> str:
    value = getattr(clause, role)
    if not isinstance(value, Phrase):
        return value.en if value else ""
    relative = english(value.relative) if value.relative else ""
    return join(["to" if role == "dative" and with_to(clause) else "", value.en[role != "subject"], relative])


def english_verb(clause: Clause, support: bool) -> tuple[str, str]:
    """The auxiliary, if any, and the rest of the verb; `support` asks for an auxiliary in any case."""
    verb, tense, agreement = clause.verb, clause.tense.en, clause.subject.agreement
    base, past, *participle = (clause.modal or verb).en
    rest = join([clause.modal.particle, verb.en[0], verb.particle] if clause.modal else [verb.particle])
    singular, in_past = agreement == "3s", tense == "past"
    match tense:
        case "infinitive":
            return "", join(["to", base, rest])
        case "future":
            return "will", join([base, rest])
        case "perfect":
            return "has" if singular else "have", join([*participle, rest])
        case "pluperfect":
            return "had", join([*participle, rest])
    if base == "be" or tense == "progressive":
        was = "was" if agreement in ("1s", "3s") else "were"
        be = was if in_past else {"1s": "am", "3s": "is"}.get(agreement, "are")
        return be, rest if base == "be" else join([gerund(base), rest])
    if base in ("can", "should", "would"):
        return past if in_past else base, rest
    if support:
        return "did" if in_past else "does" if singular else "do", join([base, rest])
    return "", join([past if in_past else third_person(base) if singular else base, rest])


def pick(rng: Random, options: Sequence[T]) -> T:
    # Of the methods of Random only random() promises the same numbers in every Python.
    return options[int(rng.random() * len(options))]


def chance(rng: Random, probability: float) -> bool:
    return rng.random() < probability


def draw_phrase(
    rng: Random,
    kinds: Sequence[str],
    role: str,
    owner: Phrase | None = None,
    known: bool = False,
    adjectives: float = 0.35,
) -> Phrase:
    """A noun with its company; `known` calls for a definite or negative determiner."""
    taken = set(owner.de[0].split()) if owner else set()
    noun = pick(
        rng, [noun for kind in kinds for noun in NOUNS[kind] if taken.isdisjoint((noun.de, noun.plural))]
    )
    if noun.kind == "name":
        return replace(noun_phrase(noun, NONE), determiner=None)
    plural = bool(noun.plural) and chance(rng, 0.4)
    own = owner.own if owner and owner.kind in HUMAN else pick(rng, (ME, US)).own
    adjective = pick(rng, ADJECTIVES[noun.kind]) if chance(rng, adjectives) else None
    options = [*[THE] * 4, THIS, *([own] * 2 if noun.kind in OWNED else [])]
    if noun.kind in ("sibling", "elder"):
        options = [own]
    elif role == "place":
        options += [THE, THE, A]
    elif role == "predicate":
        options = [NONE if plural or (noun.kind in MASS and not noun.plural) else A]
    elif known:
        options += [NO] * 5 if role == "accusative" else []
    elif plural:
        options += [MANY, *[pick(rng, COUNTS)] * 2, *([NONE] * 2 if role == "accusative" else [])]
    elif noun.kind not in MASS or noun.plural:
        options += [A] * 4
    elif role == "accusative":
        options += [NONE] * 5
    return noun_phrase(noun, pick(rng, options), plural, adjective)


def draw_subject(
    rng: Random, kinds: Sequence[str], pronouns: Sequence[Phrase] = PRONOUNS, known: bool = False
) -> Phrase:
    if "name" in kinds and chance(rng, 0.25):
        return pick(rng, pronouns)
    first = draw_phrase(rng, kinds, "subject", known=known)
    if first.kind != "name" or chance(rng, 0.5):
        return first
    second = draw_phrase(rng, ["name", "sibling", "elder"], "subject", owner=first)
    both = fill(
        Text("{} und {}", "{} and {}"), Text(first.de[0], first.en[0]), Text(second.de[0], second.en[0])
    )
    return Phrase([both.de], [both.en], "pl", "name", THEM.own, THEM)


def draw_object(rng: Random, verb: Verb, role: str, subject: Phrase, negated: bool) -> Phrase:
    if "name" in verb.kinds[role] and chance(rng, 0.2):
        persons = [person for person in (*PRONOUNS, YOU) if not same_person(person, subject)]
        # As an object 'sie' could be 'her' or 'them'.
        return pick(rng, [person for person in persons if person.de[CASES[role]] != "sie"])
    owner = subject if verb is not NAMED["kaufen"] else None  # nobody buys what is theirs
    return draw_phrase(rng, verb.kinds[role], role, owner, known=negated)


def same_person(one: Phrase, other: Phrase) -> bool:
    """Whether one pronoun as the object of the other could mean oneself."""
    persons = [["ich", "wir"], ["du"], ["er", "sie", "es", "wer", "der", "die", "das"]]
    return any(one.de[0] in words and other.de[0] in words for words in persons)


def draw_place(rng: Random, relation: str, subject: Phrase) -> Text:
    prepositions, case, kinds, city = PLACES[relation]
    if relation == "to" and chance(rng, 0.2):
        return Text("nach Hause", "home")
    if city and subject.kind != "animal" and chance(rng, 0.3):
        return fill(city, pick(rng, CITIES))
    if subject.kind == "animal" and "nature" in kinds:
        kinds = ["nature"]
    preposition, phrase = pick(rng, prepositions), draw_phrase(rng, kinds, "place")
    de = f"{preposition.de} {phrase.de[CASES[case]]}"
    for full, short in CONTRACTIONS.items():
        de = short + de.removeprefix(full) if de.startswith(full) else de
    return Text(de, f"{preposition.en} {phrase.en[1]}")


def draw_clause(
    rng: Random, scenario: str, verb: Verb | None = None, subject: Phrase | None = None, **given: Any
) -> Clause:
    """A clause that keeps what is given and draws the rest."""
    verb = verb or pick(rng, verbs_for(subject))
    scenario = suitable(scenario, verb)
    tense, time = (pick(rng, options) for options in SCENARIOS[scenario])
    modal = given.get("modal")
    if scenario in MODAL_SCENARIOS and not verb.mark and "modal" not in given and chance(rng, 0.2):
        tense = PRETERITE if tense.en == "past" else PRESENT
        modal = NAMED[pick(rng, PAST_MODALS if tense is PRETERITE else PRESENT_MODALS)]
    pleasing = (
        bool(verb.kinds["dative"]) and "name" not in verb.kinds["subject"]
    )  # known things please or belong
    subject = subject or draw_subject(rng, verb.kinds["subject"], [*PRONOUNS, YOU, YOU], known=pleasing)
    if not modal and not has_form(verb, tense, subject):
        tense, modal = (
            (PERFECT, None)
            if verb.mark or tense is PRETERITE
            else (PRESENT, NAMED[pick(rng, PRESENT_MODALS)])
        )
    negated = given.get("negated", scenario not in ("habit", "often", "earlier") and chance(rng, 0.15))
    if scenario == "done" and negated:
        time = Text("noch", "yet")
    roles: dict[str, Any] = {"time": time, "modal": modal, "negated": negated}
    for role in ("dative", "accusative"):
        if verb.kinds[role] and role not in given:
            roles[role] = draw_object(rng, verb, role, subject, negated)
    if verb.places == ["(in)"]:
        roles["place"] = draw_place(rng, "in", subject) if chance(rng, 0.3) else None
    elif verb.places:
        roles["goal"] = draw_place(rng, pick(rng, verb.places), subject)
    return Clause(verb, subject, tense, **roles | given)


def has_form(verb: Verb, tense: Text, subject: Phrase) -> bool:
    """Whether the finite verb is in the corpus; leaving out forms of 'ich' and 'du' makes the others frequent."""
    if subject is ME:
        return tense.de != "present" or verb.name in FIRST_PERSON
    return subject is not YOU or tense.de in ("perfect", "future")


def verbs_for(subject: Phrase | None, marks: str = "") -> list[Verb]:
    if subject is ME:
        return [NAMED[name] for name in FIRST_PERSON]
    return [
        verb
        for verb in VERBS
        if not subject or (subject.kind in verb.kinds["subject"] and verb.mark not in (*marks,))
    ]


def suitable(scenario: str, verb: Verb) -> str:
    """The nearest scenario that makes sense of a state or of a momentary event."""
    if verb.mark == "*":
        return "told" if scenario in ("past", "dated", "told", "earlier", "done") else "plain"
    return "plain" if verb.mark == "!" and scenario in ("habit", "often", "now") else scenario


def draw_deed(rng: Random, scenario: str, subject: Phrase, marks: str = "*!", **given: Any) -> Clause:
    """Something that the subject does, on purpose if no `marks` are allowed for."""
    return draw_clause(rng, scenario, pick(rng, verbs_for(subject, marks)), subject, **given)


def draw_state(rng: Random, subject: Phrase, tense: Text) -> Clause:
    """How someone feels, what they have or have to do: a reason for nearly anything."""
    kind = rng.random()
    if kind < 0.5 or subject.kind == "animal":
        return Clause(NAMED["sein"], subject, tense, goal=pick(rng, STATES))
    if kind < 0.7:
        return Clause(NAMED["haben"], subject, tense, goal=pick(rng, MEANS))
    modal = NAMED[pick(rng, ("müssen", "wollen"))]
    return replace(draw_deed(rng, "plain", subject, modal=modal, negated=False), tense=tense)


def draw_weather(rng: Random, tense: Text) -> Clause:
    if chance(rng, 0.6):
        return Clause(NAMED[pick(rng, ("regnen", "schneien"))], WEATHER_IT, tense)
    return Clause(NAMED["sein"], WEATHER_IT, tense, goal=pick(rng, WEATHER))


def draw_wh_clause(rng: Random) -> Clause:
    verb = pick(rng, [verb for verb in VERBS if "name" in verb.kinds["subject"]])
    words: list[tuple[str, Any]] = [("time", pick(rng, texts("wann=when, warum=why"))), ("subject", WHO)]
    if verb.kinds["accusative"]:
        words += [("accusative", WHO if verb.kinds["accusative"][0] in HUMAN else WHAT)] * 2
    elif verb.kinds["dative"]:
        words += [("dative", WHO)] * 2
    if verb.places and verb.places != ["from"]:
        where = Text("wohin" if "to" in verb.places[-1] else "wo", "where")
        words += [("place" if verb.places == ["(in)"] else "goal", where)] * 2
    role, word = pick(rng, words)
    scenario = pick(rng, ("plain", "past") if role == "time" else ("plain", "past", "dated", "now"))
    return draw_clause(rng, scenario, verb, negated=False, front=role, **{role: word})


def draw_description(rng: Random) -> Clause:
    """Something is like this, or more so than something else, or 'that is ...'."""
    kind = pick(rng, [kind for kind in ADJECTIVES if kind not in ("sibling", "elder")])
    if kind in COMPARATIVES and chance(rng, 0.6):
        subject = draw_phrase(rng, [kind], "subject")
        other = draw_phrase(rng, [kind], "subject", owner=subject)
        goal = fill(
            Text("{} als {}", "{} than {}"), pick(rng, COMPARATIVES[kind]), Text(other.de[0], other.en[0])
        )
    elif chance(rng, 0.5):
        noun = draw_phrase(rng, [kind], "predicate", adjectives=1)
        goal = Text(noun.de[0], noun.en[0])
        subject = pronoun(
            noun.agreement, "das das dem -", "those those -" if noun.agreement == "pl" else "that that -"
        )
    else:
        subject = draw_phrase(rng, [kind], "subject", known=True, adjectives=0)
        goal = Text(*map(join, zip(pick(rng, DEGREES), pick(rng, ADJECTIVES[kind]), strict=True)))
    return Clause(NAMED["sein"], subject, pick(rng, (PRESENT, PRETERITE)), goal=goal)


def draw_relative(rng: Random, head: Phrase) -> Clause:
    relative, scenario = relative_pronoun(head), pick(rng, ("plain", "habit", "now", "past", "dated", "done"))
    if head.kind in LOCATIONS:
        verb = pick(
            rng, [verb for verb in VERBS if verb.places == ["(in)"] and "name" in verb.kinds["subject"]]
        )
        place = Text(f"in {relative.de[CASES['dative']]}", "in which")
        return draw_clause(rng, scenario, verb, front="place", place=place)
    verbs = {role: [verb for verb in VERBS if is_clear(verb, role, head)] for role in CASES}
    role = pick(rng, [role for role in CASES if verbs[role]])
    return draw_clause(rng, scenario, pick(rng, verbs[role]), front=role, **{role: relative})


def is_clear(verb: Verb, role: str, head: Phrase) -> bool:
    """Whether a relative pronoun in this role leaves no doubt about who does what to whom."""
    if role == "dative":
        clear = not verb.kinds["accusative"]
    elif role == "accusative":  # only the masculine has a form of its own
        clear = head.kind not in ANIMATE or head.column == 0
    else:
        clear = set(ANIMATE).isdisjoint(verb.kinds["accusative"])
    return clear and head.kind in verb.kinds[role]


def topicalised(rng: Random, clause: Clause) -> Clause:
    """Now and then something other than the subject stands before the verb."""
    options = []
    if clause.time and clause.time.en not in (*PRE_VERBAL, "", "yet"):
        options.append(("time", 0.5))
    if clause.place:
        options.append(("place", 0.2))
    # With these articles a noun before the verb is an object beyond doubt.
    if (
        clause.accusative
        and clause.accusative.agreement == "3s"
        and clause.accusative.de[1].startswith("den ")
    ):
        options.append(("accusative", 0.25))
    if clause.dative and clause.dative.de[2].startswith("dem "):
        options.append(("dative", 0.4))
    return next((replace(clause, front=role) for role, odds in options if chance(rng, odds)), clause)


def anaphoric(first: Clause, second: Clause) -> Clause:
    """The second of two clauses, with a pronoun for a subject that they share."""
    shared = second.subject is first.subject
    return replace(second, subject=second.subject.anaphor or second.subject) if shared else second


def link(main: Clause, conjunction: Text, subordinate: Clause, main_first: bool = True) -> Text:
    if main_first:
        parts = render(main), conjunction, render(anaphoric(main, subordinate), "final")
        return fill(Text("{}, {} {}", "{} {} {}"), *parts)
    parts = conjunction, render(subordinate, "final"), render(anaphoric(subordinate, main), "first")
    return fill(Text("{} {}, {}", "{} {}, {}"), *parts)


def statement(rng: Random) -> Text:
    subject = pick(rng, (ME, YOU)) if chance(rng, 0.2) else None
    return render(topicalised(rng, draw_clause(rng, pick(rng, ANY), subject=subject)))


def description(rng: Random) -> Text:
    return render(draw_description(rng))


def relation(rng: Random) -> Text:
    """A sentence with a relative clause."""
    main = draw_clause(rng, pick(rng, ("plain", "past")), negated=False, place=None)
    main = draw_description(rng) if chance(rng, 0.5) else main
    role = pick(rng, ("subject", "accusative"))
    head = getattr(main, role)
    if not head or head.determiner not in (THE, A):
        return relation(rng)
    return render(replace(main, **{role: replace(head, relative=draw_relative(rng, head))}))


def question(rng: Random) -> Text:
    clause = draw_clause(rng, pick(rng, ANY), subject=YOU if chance(rng, 0.3) else None, negated=False)
    if clause.tense is PRESENT and not clause.verb.mark:
        clause = replace(clause, modal=NAMED[pick(rng, PRESENT_MODALS)])
    elif clause.tense.de not in ("perfect", "future"):
        return question(rng)  # few verbs open a sentence, so that each of them is seen often
    if clause.subject is ME:
        return question(rng)
    return fill(Text("{}?", "{}?"), render(clause, "first", question=True))


def wh_question(rng: Random) -> Text:
    return fill(Text("{}?", "{}?"), render(draw_wh_clause(rng), question=True))


def report(rng: Random) -> Text:
    """Somebody says that ..., asks whether ..., does not know where ..."""
    subject = draw_subject(rng, HUMAN)
    if chance(rng, 0.35):
        outer = Clause(NAMED["wissen"], subject, PRESENT, negated=True)
        return fill(Text("{}, {}", "{} {}"), render(outer), render(draw_wh_clause(rng), "final"))
    name, told = pick(rng, ("sagen", "glauben", "wissen", "hoffen", "fragen")), chance(rng, 0.4)
    conjunction = Text("ob", "whether") if name == "fragen" else Text("dass", "that")
    scenario = "told" if told else "soon" if name == "hoffen" else pick(rng, ANY)
    inner = draw_clause(rng, scenario, subject=subject if chance(rng, 0.3) else None)
    return link(Clause(NAMED[name], subject, PRETERITE if told else PRESENT), conjunction, inner)


def infinitive(rng: Random) -> Text:
    """Somebody tries to ..., goes somewhere to ..."""
    subject = draw_subject(rng, HUMAN, PRONOUNS[2:])
    deed = draw_deed(rng, "plain", subject, modal=None, negated=False)
    inner = render(replace(deed, tense=INFINITIVE), "infinitive")
    if chance(rng, 0.7):
        outer = Clause(NAMED[pick(rng, ATTEMPTS)], subject, pick(rng, (PRESENT, PERFECT, PRETERITE)))
        return fill(Text("{}, {}", "{} {}"), render(outer), inner)
    if not deed.accusative:
        return infinitive(rng)
    outer = draw_clause(rng, pick(rng, ANY), NAMED["gehen"], subject, negated=False)
    return fill(Text("{}, um {}", "{} {}"), render(outer), inner)


def cause(rng: Random) -> Text:
    """Somebody does something because of how things are, or in spite of it."""
    subject, past = draw_subject(rng, pick(rng, (HUMAN, HUMAN, HUMAN, ["animal"]))), chance(rng, 0.5)
    main = draw_deed(rng, pick(rng, ("past", "dated") if past else ("plain", "now", "often")), subject)
    if chance(rng, 0.2):
        reason = draw_weather(rng, PRETERITE if past else NOW)
    else:
        reason = draw_state(rng, subject, PRETERITE if past else PRESENT)
    if chance(rng, 0.75):
        return link(main, pick(rng, texts("weil=because, obwohl=although")), reason, chance(rng, 0.65))
    return fill(Text("{}, deshalb {}", "{}, so {}"), render(reason), render(anaphoric(reason, main), "first"))


def sequence(rng: Random) -> Text:
    """Two events, one of them in a clause of time."""
    conjunction, inner_scenario, outer_scenario = pick(rng, TIME_CLAUSES)
    subject = draw_subject(rng, pick(rng, (HUMAN, HUMAN, HUMAN, ["animal"])))
    outer = draw_deed(rng, outer_scenario, subject, marks="*")
    if conjunction.en == "when" and chance(rng, 0.25):
        inner = draw_weather(rng, SCENARIOS[inner_scenario][0][0])
    else:
        # A new pronoun could be taken for the subject of the other clause.
        other = subject if chance(rng, 0.6) else draw_subject(rng, HUMAN, [ME, US])
        inner = draw_deed(rng, inner_scenario, other, marks="*", negated=False)
    if inner.verb is outer.verb:
        return sequence(rng)
    return link(outer, conjunction, inner, main_first=chance(rng, 0.4))


def contrast(rng: Random) -> Text:
    scenario = pick(rng, ("plain", "past", "now", "soon"))
    one, other = (draw_clause(rng, scenario, subject=draw_subject(rng, HUMAN)) for _ in range(2))
    if one.subject.de == other.subject.de:
        return contrast(rng)
    template = pick(rng, (Text("{} und {}", "{} and {}"), Text("{}, aber {}", "{}, but {}")))
    return fill(template, render(one), render(other))


PATTERNS = [
    *[statement] * 6,
    *[description, question, sequence, report] * 3,
    *[wh_question, relation, cause, infinitive] * 2,
    contrast,
]


def polish(text: Text) -> Text:
    """Commas, 'an', the capital letter and the full stop."""
    mark = "?" if text.de.endswith("?") else "."
    de, en = (re.sub(r"[ ,]*,", ",", side).strip(",?") for side in text)
    en = re.sub(r"\ba(?= [aeiou])", "an", en).replace("can not", "cannot")
    return Text(de[0].upper() + de[1:] + mark, en[0].upper() + en[1:] + mark)


def draw_corpus(rng: Random, size: int) -> list[Text]:
    """Pairs of which no two share a side."""
    pairs: list[Text] = []
    seen: set[str] = set()
    while len(pairs) < size:
        pair = polish(pick(rng, PATTERNS)(rng))
        if seen.isdisjoint(pair) and len(pair.de.split()) in LENGTHS:
            seen.update(pair)
            pairs.append(pair)
    return pairs


def main(output: Path) -> None:
    pairs = draw_corpus(Random(SEED), sum(SIZES.values()))
    output.mkdir(parents=True, exist_ok=True)
    for split, size in SIZES.items():
        part, pairs = pairs[:size], pairs[size:]
        for language in Text._fields:
            lines = "".join(f"{getattr(pair, language)}\n" for pair in part)
            (output / f"{split}.{language}").write_text(lines, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "data" / "demo")
