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

T = TypeVar("T")


class Text(NamedTuple):
    """A German expression and its translation."""

    de: str
    en: str


def texts(table: str) -> list[Text]:
    """Read 'müde=tired, krank=ill'."""
    return [Text(*entry.strip().split("=")) for entry in table.split(",")]


# Kind, which says what goes with what | nouns, with a plural if they have one | adjectives.
NOUN_TABLE = """
person | der Mann/Männer=man/men, die Frau/Frauen=woman/women, der Lehrer/Lehrer=teacher, der Gast/Gäste=guest,
    die Ärztin/Ärztinnen=doctor, der Student/Studenten=student, der Koch/Köche=cook, der Bauer/Bauern=farmer,
    die Nachbarin/Nachbarinnen=neighbour
    | alt=old, jung=young, freundlich=friendly, klug=clever, groß=tall, nett=nice, berühmt=famous
child | das Kind/Kinder=child/children, der Junge/Jungen=boy, das Mädchen/Mädchen=girl
    | klein=small, klug=clever, nett=nice, freundlich=friendly
family | der Bruder/Brüder=brother, die Schwester/Schwestern=sister, der Vater=father, die Mutter=mother,
    die Großmutter=grandmother, der Onkel=uncle, die Tante/Tanten=aunt, der Sohn/Söhne=son,
    die Tochter/Töchter=daughter, der Freund/Freunde=friend | alt=old, lieb=dear
name | die Anna=Anna, der Paul=Paul, die Maria=Maria, der Peter=Peter, die Lena=Lena, der Tom=Tom |
animal | der Hund/Hunde=dog, die Katze/Katzen=cat, das Pferd/Pferde=horse, der Vogel/Vögel=bird,
    die Kuh/Kühe=cow, die Maus/Mäuse=mouse/mice, das Schaf/Schafe=sheep/sheep, der Esel/Esel=donkey
    | groß=big, klein=small, schwarz=black, weiß=white, braun=brown, alt=old, jung=young
fodder | das Gras=grass, das Heu=hay, die Karotte/Karotten=carrot | frisch=fresh, gut=good
fruit | der Apfel/Äpfel=apple, die Birne/Birnen=pear, die Orange/Orangen=orange | groß=big, süß=sweet, frisch=fresh
meal | das Ei/Eier=egg, die Kartoffel/Kartoffeln=potato/potatoes, die Suppe=soup, das Fleisch=meat
    | warm=warm, frisch=fresh, gut=good
bakery | das Brot=bread, der Kuchen/Kuchen=cake | frisch=fresh, gut=good, warm=warm
drink | das Wasser=water, die Milch=milk, der Tee=tea, der Kaffee=coffee, der Saft=juice | warm=warm, kalt=cold, gut=good
text | das Buch/Bücher=book, der Brief/Briefe=letter, das Gedicht/Gedichte=poem, der Roman/Romane=novel
    | interessant=interesting, lang=long, kurz=short, alt=old, schön=beautiful
tale | die Geschichte/Geschichten=story/stories, der Witz/Witze=joke | lang=long, kurz=short, gut=good, alt=old
news | die Zeitung/Zeitungen=newspaper | alt=old, neu=new, interessant=interesting
song | das Lied/Lieder=song | schön=beautiful, alt=old, neu=new, kurz=short
thing | der Schlüssel/Schlüssel=key, die Tasche/Taschen=bag, der Ball/Bälle=ball, die Uhr/Uhren=clock,
    das Bild/Bilder=picture, der Regenschirm/Regenschirme=umbrella, das Geschenk/Geschenke=gift,
    das Messer/Messer=knife/knives | neu=new, alt=old, klein=small, groß=big, schön=beautiful, teuer=expensive
clothes | der Mantel/Mäntel=coat, der Hut/Hüte=hat, das Kleid/Kleider=dress/dresses, die Jacke/Jacken=jacket,
    das Hemd/Hemden=shirt | rot=red, blau=blue, grün=green, schwarz=black, weiß=white, warm=warm, neu=new
vehicle | das Auto/Autos=car, das Fahrrad/Fahrräder=bicycle, das Boot/Boote=boat
    | neu=new, alt=old, schnell=fast, rot=red, blau=blue, teuer=expensive
building | das Haus/Häuser=house, die Brücke/Brücken=bridge, der Turm/Türme=tower
    | groß=big, alt=old, neu=new, schön=beautiful
device | die Lampe/Lampen=lamp, der Computer/Computer=computer, das Radio/Radios=radio | neu=new, alt=old, teuer=expensive
opening | die Tür/Türen=door, das Fenster/Fenster=window, der Koffer/Koffer=suitcase
    | groß=big, klein=small, grün=green, braun=brown
furniture | der Tisch=table, der Stuhl=chair, das Bett=bed, das Sofa=sofa | neu=new, alt=old, braun=brown, klein=small
room | das Zimmer=room, die Küche=kitchen | kalt=cold, groß=big, klein=small
nature | der Garten=garden, der Park=park, der Wald=forest | groß=big, klein=small, alt=old, schön=beautiful, ruhig=quiet
town | die Stadt=town, das Dorf=village, das Hotel=hotel | groß=big, klein=small, alt=old, schön=beautiful, ruhig=quiet
house | die Schule=school, die Bibliothek=library, das Museum=museum, das Büro=office | groß=big, klein=small, neu=new, alt=old
"""
COMPARATIVES = {
    "person": texts("älter=older, jünger=younger, größer=taller, klüger=cleverer"),
    "animal": texts("größer=bigger, kleiner=smaller, schneller=faster, älter=older"),
    "vehicle": texts("schneller=faster, teurer=more expensive, schöner=more beautiful"),
    "building": texts("größer=bigger, älter=older, schöner=more beautiful"),
}
HUMAN = ["person", "child", "family", "name"]
ANIMATE = [*HUMAN, "animal"]
ADULT = ["person", "family", "name"]
GROUPS = {"human": HUMAN, "animate": ANIMATE, "adult": ADULT}
MASS = ["fodder", "meal", "bakery", "drink"]  # without an article where others have 'ein'
OWNED = ["animal", "text", "thing", "clothes", "vehicle", "device"]
WEAK_NOUNS = ["Junge", "Student", "Bauer"]  # end like the plural in all cases but the nominative

STATES = texts("müde=tired, krank=ill, hungrig=hungry, durstig=thirsty, allein=alone")
MEANS = texts("keine Zeit=no time, viel Zeit=a lot of time, kein Geld=no money, viel Geld=a lot of money")
WEATHER = texts("kalt=cold, warm=warm, dunkel=dark")
DEGREES = texts("=, sehr=very, zu=too, nicht=not")
CITIES = texts("Berlin=Berlin, Hamburg=Hamburg, München=Munich, Wien=Vienna, Köln=Cologne")
NUMBERS = texts("zwei=two, drei=three, vier=four, fünf=five, sechs=six, sieben=seven, acht=eight, zehn=ten")
DAYS = texts("Montag=Monday, Dienstag=Tuesday, Freitag=Friday, Samstag=Saturday, Sonntag=Sunday")

# By the kinds of subject > dative : accusative @ place, which is optional if in brackets. German
# infinitive (- after a separable prefix), then 3rd person, preterite and participle if irregular (+ if
# the perfect has 'sein') = English base/past/participle and particle. * marks states and ! momentary
# events, of which there is no progressive.
VERB_TABLE = """
human | lachen=laugh, fern-sehen sieht sah ferngesehen=watch television, auf-stehen steht stand
    +aufgestanden=get/got/got up
animate | auf-wachen wacht wachte +aufgewacht=wake/woke/woken up
human @ (in) | tanzen=dance, spielen=play, frühstücken=have/had/had breakfast
animate @ (in) | schlafen schläft schlief geschlafen=sleep/slept/slept, warten=wait, !ein-schlafen schläft
    schlief +eingeschlafen=fall/fell/fallen asleep
adult @ (in) | arbeiten=work
human @ town | *wohnen=live, !an-kommen kommt kam +angekommen=arrive
animate @ in | bleiben bleibt blieb +geblieben=stay
human @ from | zurück-kommen kommt kam +zurückgekommen=come/came/come back
human @ seat | sitzen sitzt saß gesessen=sit/sat/sat
animal thing clothes text @ on | *liegen liegt lag gelegen=lie/lay/lain
human @ into to | gehen geht ging +gegangen=go/went/gone
animate @ into to | laufen läuft lief +gelaufen=run/ran/run
adult @ to | fahren fährt fuhr +gefahren=drive/drove/driven
human : thing clothes text @ onto | legen=put/put/put
human : thing drink device @ onto | stellen=put/put/put
human : text tale news @ (in) | lesen liest las gelesen=read/read/read
human : text tale song @ (in) | schreiben schreibt schrieb geschrieben=write/wrote/written
human : song @ (in) | singen singt sang gesungen=sing/sang/sung
human : song tale animal | *hören=hear/heard/heard
human : fruit meal bakery @ (in) | essen isst aß gegessen=eat/ate/eaten
animal : fodder @ (in) | fressen frisst fraß gefressen=eat/ate/eaten
human : drink @ (in) | trinken trinkt trank getrunken=drink/drank/drunk
adult : meal @ (in) | kochen=cook
adult : bakery | backen backt backte gebacken=bake
adult : thing clothes vehicle fruit bakery furniture | kaufen=buy/bought/bought
adult : thing clothes vehicle building | !verkaufen=sell/sold/sold
adult : vehicle clothes | waschen wäscht wusch gewaschen=wash
adult : vehicle device | reparieren=repair
adult : building | bauen=build/built/built
human : building animal | malen=paint
human : opening | auf-machen=open, zu-machen=close
human : room | auf-räumen=tidy
human : device | ein-schalten=turn on, aus-schalten=turn off
human : clothes | tragen trägt trug getragen=wear/wore/worn, an-ziehen zieht zog angezogen=put/put/put on
human : thing clothes fruit | holen=fetch
human : thing fruit bakery | !mit-bringen bringt brachte mitgebracht=bring/brought/brought along
human : thing clothes | !finden findet fand gefunden=find/found/found, *brauchen=need, !verlieren verliert
    verlor verloren=lose/lost/lost
human : text news | !weg-werfen wirft warf weggeworfen=throw/threw/thrown away
human : animal | füttern=feed/fed/fed
animate : human animal | *sehen sieht sah gesehen=see/saw/seen, suchen=look for
human : family name animal | *lieben=love
human : human | *kennen kennt kannte gekannt=know/knew/known, fragen=ask, besuchen=visit, ein-laden lädt lud
    eingeladen=invite, an-rufen ruft rief angerufen=call
adult : human | ab-holen=collect
human > human | helfen hilft half geholfen=help, danken=thank, antworten=answer
animate > human animal | folgen folgt folgte +gefolgt=follow
thing clothes vehicle building animal > human | *gehören=belong to
text song building clothes vehicle town nature house > human | *gefallen gefällt gefiel gefallen=like
human > human : thing clothes fruit text | geben gibt gab gegeben=give/gave/given, bringen bringt brachte
    gebracht=bring/brought/brought, zeigen=show/showed/shown
human > human : thing text vehicle | leihen leiht lieh geliehen=lend/lent/lent
adult > human : thing text | schicken=send/sent/sent
human > human : text tale | vor-lesen liest las vorgelesen=read/read/read
human > human : tale | erzählen=tell/told/told
| sein bin/bist/ist/sind war +gewesen=be/was/been, haben habe/hast/hat/haben hatte gehabt=have/had/had,
    werden werde/wirst/wird/werden wurde +geworden=will, regnen regnet regnete geregnet=rain, schneien=snow,
    sagen=say/said/said, glauben=believe, hoffen=hope, versuchen=try, an-fangen fängt fing
    angefangen=begin/began/begun, wissen weiß/weißt/weiß/wissen wusste gewusst=know/knew/known, vergessen
    vergisst vergaß vergessen=forget/forgot/forgotten, beschließen beschließt beschloss beschlossen=decide,
    können kann/kannst/kann/können konnte gekonnt=can/could, müssen muss/musst/muss/müssen musste
    gemusst=have/had to, wollen will/willst/will/wollen wollte gewollt=want/wanted to, dürfen
    darf/darfst/darf/dürfen durfte gedurft=be/was allowed to, möchten möchte/möchtest/möchte/möchten mochte
    gemocht=would/would like to, sollen soll/sollst/soll/sollen sollte gesollt=should/should
"""
DOUBLED = ["run", "sit", "get", "put", "begin"]  # 'running'

SIDES = texts("auf=on, unter=under, neben=beside, hinter=behind")
PLACES = {  # prepositions, the case that they ask for, the kinds of place
    "in": (texts("in=in"), "dative", ["room", "nature", "town", "house"]),
    "town": (texts("in=in"), "dative", ["town"]),
    "from": (texts("aus=from"), "dative", ["room", "nature", "town", "house"]),
    "into": (texts("in=into"), "accusative", ["room", "nature", "house"]),
    "to": (texts("zu=to"), "dative", ["nature", "town", "house"]),
    "on": (SIDES, "dative", ["furniture"]),
    "onto": (SIDES, "accusative", ["furniture"]),
    "seat": (SIDES[::2], "dative", ["furniture"]),
}
CITY_PREPOSITIONS = {
    "in": Text("in", "in"),
    "town": Text("in", "in"),
    "from": Text("aus", "from"),
    "to": Text("nach", "to"),
}
CONTRACTIONS = {"in dem ": "im ", "in das ": "ins ", "zu dem ": "zum ", "zu der ": "zur "}

# The tenses of both languages.
PRESENT, NOW, SOON = Text("present", "present"), Text("present", "progressive"), Text("present", "future")
PERFECT, DONE, PRETERITE = Text("perfect", "past"), Text("perfect", "perfect"), Text("preterite", "past")
FUTURE, PLUPERFECT = Text("future", "future"), Text("pluperfect", "pluperfect")

TENSES = {
    "plain": [PRESENT],
    "habit": [PRESENT],
    "often": [PRESENT],
    "now": [NOW],
    "soon": [SOON, FUTURE],
    "past": [PERFECT, PERFECT, PRETERITE],
    "dated": [PERFECT, PERFECT, PRETERITE],
    "told": [PRETERITE],
    "earlier": [PLUPERFECT],
    "done": [DONE],
}
ANY = ["plain", "plain", "habit", "often", "now", "past", "past", "dated", "dated", "soon", "soon", "done"]
# An empty translation is told by the English tense alone.
ADVERBS = {
    "habit": texts("jeden Tag=every day, jeden Morgen=every morning, am Abend=in the evening, im Winter=in winter")
    + [Text(f"um {hour.de} Uhr", f"at {hour.en} o'clock") for hour in NUMBERS],
    "often": texts("oft=often, immer=always, manchmal=sometimes, nie=never"),
    "now": texts("gerade=, jetzt=now, heute=today"),
    "dated": texts("gestern=yesterday, letzte Woche=last week, gestern Abend=yesterday evening")
    + [Text(f"am {day.de}", f"on {day.en}") for day in DAYS]
    + [Text(f"vor {number.de} Tagen", f"{number.en} days ago") for number in NUMBERS],
    "soon": texts("morgen=tomorrow, bald=soon, nächste Woche=next week, morgen Abend=tomorrow evening")
    + [Text(f"in {number.de} Tagen", f"in {number.en} days") for number in NUMBERS],
}
PRE_VERBAL = ["often", "always", "sometimes", "never", "already"]
PRESENT_MODALS = ["können", "müssen", "wollen", "dürfen", "möchten", "sollen"]
PAST_MODALS = PRESENT_MODALS[:4]
REPORTS = [
    ("sagen", Text("dass", "that")),
    ("glauben", Text("dass", "that")),
    ("wissen", Text("dass", "that")),
    ("hoffen", Text("dass", "that")),
    ("fragen", Text("ob", "whether")),
]
ATTEMPTS = ["versuchen", "vergessen", "beschließen", "anfangen"]
TIME_CLAUSES = [  # conjunction, scenario of its clause, scenario of the main clause
    (Text("wenn", "when"), "plain", "plain"),
    (Text("wenn", "when"), "plain", "often"),
    (Text("als", "when"), "told", "past"),
    (Text("bevor", "before"), "plain", "often"),
    (Text("bevor", "before"), "told", "past"),
    (Text("nachdem", "after"), "earlier", "told"),
    (Text("während", "while"), "told", "told"),
    (Text("während", "while"), "plain", "plain"),
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
    kinds: dict[str, list[str]]  # by role
    place: str
    mark: str


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
    kinds, _, place = frame.partition("@")
    people, _, accusative = kinds.partition(":")
    subject, _, dative = people.partition(">")
    roles = {"subject": subject, "dative": dative, "accusative": accusative}
    allowed = {role: [k for name in names.split() for k in GROUPS.get(name, [name])] for role, names in roles.items()}
    participle = participle.removeprefix("+")
    return Verb(
        prefix,
        infinitive,
        present,
        preterite,
        participle,
        auxiliary,
        en,
        particle,
        allowed,
        place.strip(),
        german[0],
    )


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
    """The cells of a table in which a row may go on in indented lines."""
    return [[cell.strip() for cell in row.split("|")] for row in re.split(r"\n(?=\S)", table.strip())]


NOUNS = {kind: [read_noun(entry, kind) for entry in nouns.split(",")] for kind, nouns, _ in rows(NOUN_TABLE)}
ADJECTIVES = {kind: texts(adjectives) for kind, _, adjectives in rows(NOUN_TABLE) if adjectives}
NAMED = {
    verb.prefix + verb.infinitive: verb
    for frame, verbs in rows(VERB_TABLE)
    for verb in [read_verb(entry, frame) for entry in verbs.split(",")]
}
VERBS = [verb for verb in NAMED.values() if verb.kinds["subject"]]

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
NEW = [A, NO, NONE, MANY, *COUNTS]  # introduce what has not been spoken of


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
I_AND_WE = [pronoun("1s", "ich mich mir mein", "I me my"), pronoun("pl", "wir uns uns unser", "we us our")]
YOU = pronoun("2s", "du dich dir dein", "you you your")
THEM = pronoun("pl", THIRD[PLURAL], THEY)
PRONOUNS = [*I_AND_WE, pronoun("3s", THIRD[0], HE), pronoun("3s", THIRD[1], SHE), THEM]
WEATHER_IT = pronoun("3s", THIRD[2], IT)
WHO = pronoun("3s", "wer wen wem -", "who whom -", kind="", wh=True)
WHAT = pronoun("3s", "was was - -", "what what -", kind="", wh=True)


def noun_phrase(noun: Noun, determiner: Determiner, plural: bool, adjective: Text | None = None) -> Phrase:
    column = PLURAL if plural else noun.gender
    de = []
    for case in CASES.values():
        form = noun.plural if plural or (noun.de in WEAK_NOUNS and case) else noun.de
        if plural and case == CASES["dative"] and form[-1] not in "ns":
            form += "n"
        words = [determiner.de + ending(determiner.endings, case, column)]
        if adjective:
            words.append(adjective.de.replace("teuer", "teur") + ending(determiner.adjective, case, column))
        de.append(join([*words, form]))
    any_amount = plural or (determiner is NO and not noun.plural)  # 'any bread'
    english_determiner = determiner.en_plural if any_amount else determiner.en
    en = join([english_determiner, adjective and adjective.en, noun.en_plural if plural else noun.en])
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


def german(clause: Clause, order: str = "second") -> str:
    """Words of a clause with the finite verb 'first', 'second' or 'final', or the 'infinitive' with 'zu'."""
    verb, (finite, rest) = clause.verb, german_verb(clause)
    front, subject, middle = german_role(clause, clause.front), "", german_middle(clause)
    if clause.front != "subject":
        subject = german_role(clause, "subject")
    match order:
        case "first":
            words = [finite, front, *middle, rest]
        case "second":
            words = [front, finite, subject, *middle, rest]
        case "final":  # a separable prefix joins its verb again
            words = [front, subject, *middle, rest + finite if rest == verb.prefix else f"{rest} {finite}"]
        case _:
            words = [*middle, f"{verb.prefix}zu{'' if verb.prefix else ' '}{verb.infinitive}"]
    if clause.accusative and clause.accusative.relative:
        words.append(f", {german(clause.accusative.relative, 'final')} ,")
    return join(words)


def german_role(clause: Clause, role: str) -> str:
    value = getattr(clause, role)
    if not isinstance(value, Phrase):
        return value.de if value else ""
    relative = value.relative if role == "subject" else None  # that of an object follows the clause
    return value.de[CASES[role]] + (f" , {german(relative, 'final')} ," if relative else "")


def german_middle(clause: Clause) -> list[str]:
    """What stands between the two parts of the verb: the known before the new."""
    objects = [role for role in ("dative", "accusative") if getattr(clause, role)]
    new = [role for role in objects if getattr(clause, role).determiner in NEW]
    known = [role for role in objects if role not in new]
    no = clause.accusative and clause.accusative.determiner is NO
    early = [german_role(clause, role) for role in (*known[:1], "time", *known[1:]) if role != clause.front]
    late = [german_role(clause, role) for role in ("place", *new, "goal") if role != clause.front]
    return [*early, "nicht" if clause.negated and not no else "", *late]


def german_verb(clause: Clause) -> tuple[str, str]:
    """The finite verb, and what closes the clause."""
    verb, tense, agreement = clause.verb, clause.tense.de, clause.subject.agreement
    infinitive = verb.prefix + verb.infinitive
    if tense == "future":
        return finite_form(NAMED["werden"], "present", agreement), infinitive
    if tense in ("perfect", "pluperfect"):
        auxiliary_tense = "present" if tense == "perfect" else "preterite"
        return finite_form(NAMED[verb.auxiliary], auxiliary_tense, agreement), verb.participle
    if clause.modal:
        return finite_form(clause.modal, tense, agreement), infinitive
    return finite_form(verb, tense, agreement), verb.prefix


def finite_form(verb: Verb, tense: str, agreement: str) -> str:
    if tense == "present":
        return verb.present[("1s", "2s", "3s", "pl").index(agreement)]
    plural = "n" if verb.preterite.endswith("e") else "en"
    return verb.preterite + (plural if agreement == "pl" else "")


def english(clause: Clause, question: bool = False) -> str:
    if clause.verb is NAMED["gefallen"]:  # what pleases someone in German is liked in English
        clause = replace(clause, subject=clause.dative, dative=None, accusative=clause.subject)
    inverted = question and not clause.subject.wh
    auxiliary, verb = english_verb(clause, support=inverted or clause.negated)
    roles = ["dative", "accusative", "goal", "place", "time"]
    lead = [role for role in roles if getattr(getattr(clause, role), "wh", role == clause.front)]
    middle = ["time"] if clause.time and clause.time.en in PRE_VERBAL else []
    words = [english_role(clause, "subject"), auxiliary]
    words = [*(words[::-1] if inverted else words), "not" if clause.negated else ""]
    rest = [english_role(clause, role) for role in roles if role not in (*lead, *middle)]
    return join(
        [
            *(english_role(clause, r) for r in lead),
            *words,
            *(english_role(clause, r) for r in middle),
            verb,
            *rest,
        ]
    )


def english_role(clause: Clause, role: str) -> str:
    value = getattr(clause, role)
    if not isinstance(value, Phrase):
        return value.en if value else ""
    return value.en[role != "subject"] + (f" {english(value.relative)}" if value.relative else "")


def english_infinitive(clause: Clause) -> str:
    objects = [english_role(clause, role) for role in ("dative", "accusative", "goal", "place")]
    return join(["to", clause.verb.en[0], clause.verb.particle, *objects])


def english_verb(clause: Clause, support: bool) -> tuple[str, str]:
    """The auxiliary, if any, and the rest of the verb; `support` asks for an auxiliary in any case."""
    verb, tense, agreement = clause.verb, clause.tense.en, clause.subject.agreement
    lead = clause.modal or verb
    base, past, *participle = lead.en
    rest = join([lead.particle, verb.en[0], verb.particle] if clause.modal else [verb.particle])
    singular, past_tense = agreement == "3s", tense == "past"
    match tense:
        case "future":
            return "will", join([base, rest])
        case "perfect":
            return "has" if singular else "have", join([*participle, rest])
        case "pluperfect":
            return "had", join([*participle, rest])
    if base == "be" or tense == "progressive":
        was = "was" if agreement in ("1s", "3s") else "were"
        be = was if past_tense else {"1s": "am", "3s": "is"}.get(agreement, "are")
        return be, rest if base == "be" else join([gerund(base), rest])
    if base in ("can", "should", "would"):
        return past if past_tense else base, rest
    if support:
        return "did" if past_tense else "does" if singular else "do", join([base, rest])
    return "", join([past if past_tense else third_person(base) if singular else base, rest])


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
    negated: bool = False,
    determiners: Sequence[Determiner] = (),
) -> Phrase:
    taken = owner.de[0].split() if owner else []
    noun = pick(rng, [noun for kind in kinds for noun in NOUNS[kind] if not {noun.de, noun.plural} & {*taken}])
    if noun.kind == "name":
        return replace(noun_phrase(noun, NONE, plural=False), determiner=None)
    plural = bool(noun.plural) and chance(rng, 0.3)
    own = owner.own if owner and owner.kind in HUMAN else pick(rng, I_AND_WE).own
    options = determiners or determiner_options(rng, noun, role, plural, negated, own)
    adjective = pick(rng, ADJECTIVES[noun.kind]) if chance(rng, 0.25) else None
    return noun_phrase(noun, pick(rng, options), plural, adjective)


def determiner_options(
    rng: Random, noun: Noun, role: str, plural: bool, negated: bool, own: Determiner
) -> list[Determiner]:
    if noun.kind == "family":
        return [own]
    known = [*[THE] * 4, THIS, *([own] if noun.kind in OWNED else [])]
    if negated and role != "subject":
        return known + ([NO] * 5 if role == "accusative" else [])
    if role == "subject" and noun.kind not in ANIMATE:
        return known
    if plural:
        return [*known, MANY, *[pick(rng, COUNTS)] * 2, *([NONE] * 2 if role == "accusative" else [])]
    return known + [NONE if noun.kind in MASS and not noun.plural else A] * 4


def draw_subject(rng: Random, kinds: Sequence[str], pronouns: Sequence[Phrase] = PRONOUNS) -> Phrase:
    if "name" in kinds and chance(rng, 0.25):
        return pick(rng, pronouns)
    first = draw_phrase(rng, kinds, "subject")
    if first.kind != "name" or chance(rng, 0.7):
        return first
    second = draw_phrase(rng, ["name", "family"], "subject", owner=first)
    de = [f"{one} und {other}" for one, other in zip(first.de, second.de, strict=True)]
    en = [f"{one} and {other}" for one, other in zip(first.en, second.en, strict=True)]
    return Phrase(de, en, "pl", "name", THEM.own, THEM)


def draw_object(rng: Random, verb: Verb, role: str, subject: Phrase, negated: bool) -> Phrase:
    if "name" in verb.kinds[role] and chance(rng, 0.2):
        persons = [person for person in (*PRONOUNS, YOU) if not same_person(person, subject)]
        # As an object 'sie' could be 'her' or 'them'.
        return pick(rng, [person for person in persons if person.de[CASES[role]] != "sie"])
    return draw_phrase(rng, verb.kinds[role], role, subject, negated)


def same_person(one: Phrase, other: Phrase) -> bool:
    """Whether one pronoun as the object of the other could mean oneself."""
    persons = [["ich", "wir"], ["du"], ["er", "sie", "es", "wer", "der", "die", "das"]]
    return any(one.de[0] in words and other.de[0] in words for words in persons)


def draw_place(rng: Random, relation: str, subject: Phrase) -> Text:
    """Where, where to or where from."""
    if relation == "to" and chance(rng, 0.2):
        return Text("nach Hause", "home")
    if relation in CITY_PREPOSITIONS and subject.kind != "animal" and chance(rng, 0.3):
        preposition, city = CITY_PREPOSITIONS[relation], pick(rng, CITIES)
        return Text(f"{preposition.de} {city.de}", f"{preposition.en} {city.en}")
    prepositions, case, kinds = PLACES[relation]
    if subject.kind == "animal" and "nature" in kinds:
        kinds = ["nature"]
    preposition, phrase = (
        pick(rng, prepositions),
        draw_phrase(rng, kinds, case, determiners=[*[THE] * 6, THIS, A]),
    )
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
    tense, time, modal = pick(rng, TENSES[scenario]), pick(rng, ADVERBS.get(scenario, [None])), None
    modals = {"plain": PRESENT_MODALS, "soon": PRESENT_MODALS, "past": PAST_MODALS, "dated": PAST_MODALS}
    if scenario in modals and verb.mark != "*" and "modal" not in given and chance(rng, 0.3):
        modal = NAMED[pick(rng, modals[scenario])]
        tense = PRETERITE if tense.en == "past" else PRESENT
    negated = scenario not in ("habit", "often", "earlier") and chance(rng, 0.15)
    negated = given.get("negated", negated)
    if scenario == "done":
        time = Text("noch", "yet") if negated else Text("schon", "already")
    # 'du' goes with auxiliaries only: fewer forms to learn.
    auxiliary = tense.de in ("perfect", "future") or (modal and tense is PRESENT)
    subject = subject or draw_subject(rng, verb.kinds["subject"], [*PRONOUNS, YOU] if auxiliary else PRONOUNS)
    roles: dict[str, Any] = {"time": time, "modal": modal, "negated": negated}
    for role in ("dative", "accusative"):
        if verb.kinds[role] and role not in given:
            roles[role] = draw_object(rng, verb, role, subject, negated)
    if verb.place == "(in)":
        roles["place"] = draw_place(rng, "in", subject) if chance(rng, 0.3) else None
    elif verb.place:
        roles["goal"] = draw_place(rng, pick(rng, verb.place.split()), subject)
    return Clause(verb, subject, tense, **roles | given)


def verbs_for(subject: Phrase | None, marks: str = "") -> list[Verb]:
    fits = [verb for verb in VERBS if verb.kinds["subject"] and verb.mark not in (*marks,)]
    return [verb for verb in fits if subject is None or subject.kind in verb.kinds["subject"]]


def suitable(scenario: str, verb: Verb) -> str:
    """The nearest scenario that makes sense of a state or of a momentary event."""
    if verb.mark == "*":
        return "told" if scenario in ("past", "dated", "told", "earlier", "done") else "plain"
    return "plain" if verb.mark == "!" and scenario in ("habit", "often", "now") else scenario


def draw_deed(rng: Random, scenario: str, subject: Phrase, **given: Any) -> Clause:
    """Something that the subject can do on purpose."""
    return draw_clause(rng, scenario, pick(rng, verbs_for(subject, marks="*!")), subject, **given)


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
    if verb.place and verb.place != "from":
        where = Text("wohin" if "to" in verb.place else "wo", "where")
        words += [("place" if verb.place == "(in)" else "goal", where)] * 2
    role, word = pick(rng, words)
    return draw_clause(rng, pick(rng, ("plain", "past", "dated")), verb, negated=False, front=role, **{role: word})


def draw_description(rng: Random) -> Clause:
    kind = pick(rng, [kind for kind in ADJECTIVES if kind != "family"])
    subject = draw_phrase(rng, [kind], "subject", determiners=[THE, THE, THIS])
    if kind in COMPARATIVES and chance(rng, 0.5):
        other = draw_phrase(rng, [kind], "subject", subject, determiners=[THE, THE, THIS])
        adjective = pick(rng, COMPARATIVES[kind])
        goal = Text(f"{adjective.de} als {other.de[0]}", f"{adjective.en} than {other.en[0]}")
    else:
        degree, adjective = pick(rng, DEGREES), pick(rng, ADJECTIVES[kind])
        goal = Text(join([degree.de, adjective.de]), join([degree.en, adjective.en]))
    return Clause(NAMED["sein"], subject, pick(rng, (PRESENT, PRETERITE)), goal=goal)


def draw_relative(rng: Random, head: Phrase) -> Clause:
    relative, scenario = relative_pronoun(head), pick(rng, ("plain", "habit", "past", "dated"))
    if head.kind in ("room", "nature", "town", "house"):
        verb = pick(rng, [verb for verb in VERBS if verb.place == "(in)" and "name" in verb.kinds["subject"]])
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
        clear = not set(ANIMATE) & set(verb.kinds["accusative"])
    return clear and head.kind in verb.kinds[role]


def topicalised(rng: Random, clause: Clause) -> Clause:
    """Now and then something other than the subject stands before the verb."""
    options = []
    if clause.time and clause.time.en not in (*PRE_VERBAL, "", "yet"):
        options.append(("time", 0.5))
    if clause.place:
        options.append(("place", 0.2))
    # With these articles a noun before the verb is an object beyond doubt.
    if clause.accusative and clause.accusative.agreement == "3s" and clause.accusative.de[1].startswith("den "):
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
        subordinate = anaphoric(main, subordinate)
    else:
        main = anaphoric(subordinate, main)
    de, en = f"{conjunction.de} {german(subordinate, 'final')}", f"{conjunction.en} {english(subordinate)}"
    if main_first:
        return Text(f"{german(main)} , {de} .", f"{english(main)} {en} .")
    return Text(f"{de} , {german(main, 'first')} .", f"{en} , {english(main)} .")


def plain(clause: Clause) -> Text:
    return Text(f"{german(clause)} .", f"{english(clause)} .")


def statement(rng: Random) -> Text:
    return plain(topicalised(rng, draw_clause(rng, pick(rng, ANY))))


def description(rng: Random) -> Text:
    return plain(draw_description(rng))


def with_relative(rng: Random) -> Text:
    if chance(rng, 0.5):
        clause = draw_description(rng)
    else:
        clause = draw_clause(rng, pick(rng, ("plain", "past")), negated=False)
    role = pick(rng, ("subject", "accusative"))
    head = getattr(clause, role)
    if not head or head.determiner not in (THE, A):
        return with_relative(rng)
    head = replace(head, relative=draw_relative(rng, head))
    return plain(replace(clause, place=None, **{role: head}))


def question(rng: Random) -> Text:
    subject = YOU if chance(rng, 0.3) else None
    clause = draw_clause(rng, pick(rng, ANY), subject=subject, negated=False)
    auxiliary = clause.tense.de in ("perfect", "future") or (clause.modal and clause.tense is PRESENT)
    if not auxiliary or clause.subject.agreement == "1s":
        return question(rng)  # few verbs open a sentence, so that each of them is seen often
    return Text(f"{german(clause, 'first')} ?", f"{english(clause, question=True)} ?")


def wh_question(rng: Random) -> Text:
    clause = draw_wh_clause(rng)
    return Text(f"{german(clause)} ?", f"{english(clause, question=True)} ?")


def report(rng: Random) -> Text:
    """Somebody says that ..., asks whether ..., does not know where ..."""
    subject = draw_subject(rng, HUMAN)
    if chance(rng, 0.25):
        outer, inner = Clause(NAMED["wissen"], subject, PRESENT, negated=True), draw_wh_clause(rng)
        return Text(f"{german(outer)} , {german(inner, 'final')} .", f"{english(outer)} {english(inner)} .")
    name, conjunction = pick(rng, REPORTS)
    told = name != "hoffen" and chance(rng, 0.3)
    scenario = "told" if told else "soon" if name == "hoffen" else pick(rng, ANY)
    inner = draw_clause(rng, scenario, subject=subject if chance(rng, 0.4) else None)
    return link(Clause(NAMED[name], subject, PRETERITE if told else PRESENT), conjunction, inner)


def infinitive(rng: Random) -> Text:
    """Somebody tries to ..., goes somewhere to ..."""
    subject = draw_subject(rng, HUMAN)
    inner = draw_deed(rng, "plain", subject, modal=None, negated=False, place=None)
    if chance(rng, 0.6):
        um, outer = "", Clause(NAMED[pick(rng, ATTEMPTS)], subject, pick(rng, (PRESENT, PERFECT)))
    else:
        um, outer = "um", draw_clause(rng, pick(rng, ANY), NAMED["gehen"], subject, negated=False)
    de = join([german(outer), ",", um, german(inner, "infinitive"), "."])
    return Text(de, f"{english(outer)} {english_infinitive(inner)} .")


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
    main = anaphoric(reason, main)
    de = f"{german(reason)} , deshalb {german(main, 'first')} ."
    return Text(de, f"{english(reason)} , so {english(main)} .")


def sequence(rng: Random) -> Text:
    """Two events, one of them in a clause of time."""
    conjunction, inner_scenario, outer_scenario = pick(rng, TIME_CLAUSES)
    subject = draw_subject(rng, pick(rng, (HUMAN, HUMAN, HUMAN, ["animal"])))
    outer = draw_deed(rng, outer_scenario, subject)
    if conjunction.en == "when" and chance(rng, 0.25):
        inner = draw_weather(rng, TENSES[inner_scenario][0])
    else:
        other = subject if chance(rng, 0.6) else draw_subject(rng, HUMAN)
        inner = draw_deed(rng, inner_scenario, other, modal=None, negated=False)
    return link(outer, conjunction, inner, main_first=chance(rng, 0.4))


def contrast(rng: Random) -> Text:
    scenario = pick(rng, ("plain", "past", "now", "soon"))
    one, other = (draw_clause(rng, scenario, subject=draw_subject(rng, HUMAN)) for _ in range(2))
    if one.subject.de == other.subject.de:
        return contrast(rng)
    de, en = pick(rng, (Text(" und", " and"), Text(", aber", ", but")))
    return Text(f"{german(one)}{de} {german(other)} .", f"{english(one)}{en} {english(other)} .")


PATTERNS = [
    *[statement] * 6,
    *[question, wh_question, with_relative, cause, report, sequence] * 2,
    *[description, infinitive, contrast],
]


def polish(text: Text) -> Text:
    """Spaces, commas, 'an' and the capital letter."""
    de, en = (re.sub(r"[ ,]+([,.?])", r"\1", side) for side in text)
    en = re.sub(r"\ba(?= [aeiou])", "an", en).replace("can not", "cannot")
    return Text(de[0].upper() + de[1:], en[0].upper() + en[1:])


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
