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
LENGTHS = range(3, 21)  # words in a German sentence

T = TypeVar("T")


class Text(NamedTuple):
    """A German expression and its translation."""

    de: str
    en: str


def texts(table: str) -> list[Text]:
    """Read 'müde=tired, krank=ill'."""
    return [Text(*entry.strip().split("=")) for entry in table.split(",")]


# German singular/plural = English singular/plural. A noun without a plural stays in the singular; of
# the kinds in MASS it then goes without an article where other nouns have 'ein'.
NOUNS = {
    "person": "der Mann/Männer=man/men, die Frau/Frauen=woman/women, der Lehrer/Lehrer=teacher, "
    "die Ärztin/Ärztinnen=doctor, der Student/Studenten=student, der Koch/Köche=cook, "
    "der Bauer/Bauern=farmer, der Gast/Gäste=guest, die Nachbarin/Nachbarinnen=neighbour",
    "child": "das Kind/Kinder=child/children, der Junge/Jungen=boy, das Mädchen/Mädchen=girl",
    "family": "der Bruder/Brüder=brother, die Schwester/Schwestern=sister, der Vater=father, "
    "die Mutter=mother, die Großmutter=grandmother, der Onkel/Onkel=uncle, die Tante/Tanten=aunt, "
    "der Sohn/Söhne=son, die Tochter/Töchter=daughter, der Freund/Freunde=friend",
    "name": "die Anna=Anna, der Paul=Paul, die Maria=Maria, der Peter=Peter, die Lena=Lena, der Tom=Tom",
    "animal": "der Hund/Hunde=dog, die Katze/Katzen=cat, das Pferd/Pferde=horse, der Vogel/Vögel=bird, "
    "die Kuh/Kühe=cow, die Maus/Mäuse=mouse/mice, das Schaf/Schafe=sheep/sheep, der Esel/Esel=donkey",
    "fodder": "das Gras=grass, das Heu=hay, die Karotte/Karotten=carrot",
    "fruit": "der Apfel/Äpfel=apple, die Birne/Birnen=pear, die Orange/Orangen=orange",
    "meal": "das Ei/Eier=egg, die Kartoffel/Kartoffeln=potato/potatoes, die Suppe=soup, das Fleisch=meat",
    "bakery": "das Brot=bread, der Kuchen/Kuchen=cake",
    "drink": "das Wasser=water, die Milch=milk, der Tee=tea, der Kaffee=coffee, der Saft=juice",
    "text": "das Buch/Bücher=book, der Brief/Briefe=letter, das Gedicht/Gedichte=poem, "
    "der Roman/Romane=novel",
    "tale": "die Geschichte/Geschichten=story/stories, der Witz/Witze=joke",
    "news": "die Zeitung/Zeitungen=newspaper",
    "song": "das Lied/Lieder=song",
    "thing": "der Schlüssel/Schlüssel=key, die Tasche/Taschen=bag, der Ball/Bälle=ball, "
    "die Uhr/Uhren=clock, das Bild/Bilder=picture, der Regenschirm/Regenschirme=umbrella, "
    "das Geschenk/Geschenke=gift, das Messer/Messer=knife/knives",
    "clothes": "der Mantel/Mäntel=coat, der Hut/Hüte=hat, das Kleid/Kleider=dress/dresses, "
    "die Jacke/Jacken=jacket, das Hemd/Hemden=shirt",
    "vehicle": "das Auto/Autos=car, das Fahrrad/Fahrräder=bicycle, das Boot/Boote=boat",
    "building": "das Haus/Häuser=house, die Brücke/Brücken=bridge, der Turm/Türme=tower",
    "device": "die Lampe/Lampen=lamp, der Computer/Computer=computer, das Radio/Radios=radio",
    "opening": "die Tür/Türen=door, das Fenster/Fenster=window, der Koffer/Koffer=suitcase",
    "furniture": "der Tisch=table, der Stuhl=chair, das Bett=bed, das Sofa=sofa",
    "room": "das Zimmer=room, die Küche=kitchen",
    "place": "der Garten=garden, der Park=park, der Wald=forest, die Stadt=town, die Schule=school, "
    "die Bibliothek=library, das Museum=museum, das Dorf=village, das Büro=office, das Hotel=hotel",
}
MASS = {"fodder", "meal", "bakery", "drink"}
OWNED = {"animal", "text", "thing", "clothes", "vehicle", "device"}
LOCATIONS = {"furniture", "room", "place"}
HUMAN = {"person", "child", "family", "name"}
GROUPS = {
    "human": "person child family name",
    "adult": "person family name",
    "anyone": "person child family name animal",
}
WEAK_NOUNS = {"Junge", "Student", "Bauer"}  # in the plural form whenever they are not the subject

ADJECTIVES = {
    "person": "alt=old, jung=young, freundlich=friendly, klug=clever, groß=tall, nett=nice, berühmt=famous",
    "child": "klein=small, klug=clever, nett=nice, freundlich=friendly",
    "family": "alt=old, lieb=dear",
    "animal": "groß=big, klein=small, schwarz=black, weiß=white, braun=brown, alt=old, jung=young",
    "fruit": "groß=big, süß=sweet, frisch=fresh",
    "meal": "warm=warm, frisch=fresh, gut=good",
    "bakery": "frisch=fresh, gut=good, süß=sweet",
    "drink": "warm=warm, kalt=cold, gut=good",
    "text": "interessant=interesting, lang=long, kurz=short, alt=old, schön=beautiful",
    "tale": "lang=long, kurz=short, gut=good, alt=old",
    "news": "alt=old, neu=new, interessant=interesting",
    "song": "schön=beautiful, alt=old, neu=new, kurz=short",
    "thing": "neu=new, alt=old, klein=small, groß=big, schön=beautiful, teuer=expensive",
    "clothes": "rot=red, blau=blue, grün=green, schwarz=black, weiß=white, warm=warm, neu=new",
    "vehicle": "neu=new, alt=old, schnell=fast, rot=red, blau=blue, teuer=expensive",
    "building": "groß=big, alt=old, neu=new, schön=beautiful",
    "device": "neu=new, alt=old, teuer=expensive",
    "opening": "groß=big, klein=small, grün=green, braun=brown",
    "furniture": "neu=new, alt=old, braun=brown, klein=small",
    "room": "kalt=cold, groß=big, klein=small",
    "place": "groß=big, klein=small, alt=old, schön=beautiful, ruhig=quiet",
}
COMPARATIVES = {
    "person": "älter=older, jünger=younger, größer=taller, klüger=cleverer",
    "animal": "größer=bigger, kleiner=smaller, schneller=faster, älter=older",
    "vehicle": "schneller=faster, teurer=more expensive, schöner=more beautiful",
    "building": "größer=bigger, älter=older, schöner=more beautiful",
}
STATES = texts("müde=tired, krank=ill, hungrig=hungry, durstig=thirsty, allein=alone")
MOODS = texts("traurig=sad, glücklich=happy, zu Hause=at home")
MEANS = texts("keine Zeit=no time, viel Zeit=a lot of time, kein Geld=no money, viel Geld=a lot of money")
CITIES = texts("Berlin=Berlin, Hamburg=Hamburg, München=Munich, Wien=Vienna, Köln=Cologne")
SIDES = texts("auf=on, unter=under, neben=beside, hinter=behind")
NUMBERS = texts("zwei=two, drei=three, vier=four, fünf=five, sechs=six, sieben=seven, acht=eight, zehn=ten")
DAYS = texts("Montag=Monday, Dienstag=Tuesday, Freitag=Friday, Samstag=Saturday, Sonntag=Sunday")

# German infinitive (3rd person, preterite, participle where irregular; - after a separable prefix, + if
# the perfect has 'sein') | English base/past/participle, particle | subject > dative : accusative @ place
# (in brackets: optional). English has no progressive of states (*) and of momentary events (!).
VERB_TABLE = """
lesen liest las gelesen | read/read/read | human : text tale news @ (in)
schreiben schreibt schrieb geschrieben | write/wrote/written | human : text tale song @ (in)
kaufen | buy/bought/bought | adult : thing clothes vehicle fruit bakery news furniture
!verkaufen | sell/sold/sold | adult : thing clothes vehicle building animal
essen isst aß gegessen | eat/ate/eaten | human : fruit meal bakery @ (in)
fressen frisst fraß gefressen | eat/ate/eaten | animal : fodder @ (in)
trinken trinkt trank getrunken | drink/drank/drunk | human : drink @ (in)
kochen | cook | adult : meal @ (in)
backen backt backte gebacken | bake | adult : bakery
*sehen sieht sah gesehen | see/saw/seen | anyone : human animal vehicle building
*hören | hear/heard/heard | human : song tale animal
singen singt sang gesungen | sing/sang/sung | human : song @ (in)
suchen | look for | anyone : human animal thing clothes
!finden findet fand gefunden | find/found/found | human : thing clothes animal
!verlieren verliert verlor verloren | lose/lost/lost | human : thing clothes
*brauchen | need | human : thing clothes vehicle device
holen | fetch | human : thing clothes drink fruit
tragen trägt trug getragen | wear/wore/worn | human : clothes
waschen wäscht wusch gewaschen | wash | adult : vehicle clothes
reparieren | repair | adult : vehicle device
malen | paint | human : building animal
bauen | build/built/built | adult : building
besuchen | visit | human : person family name
fragen | ask | human : human
*lieben | love | human : family name animal
*kennen kennt kannte gekannt | know/knew/known | human : human
ein-laden lädt lud eingeladen | invite | human : human
an-rufen ruft rief angerufen | call | human : person family name
ab-holen | collect | adult : human
füttern | feed/fed/fed | human : animal
auf-machen | open | human : opening
zu-machen | close | human : opening
auf-räumen | tidy | human : room
an-ziehen zieht zog angezogen | put/put/put on | human : clothes
ein-schalten | turn on | human : device
aus-schalten | turn off | human : device
!weg-werfen wirft warf weggeworfen | throw/threw/thrown away | human : thing text news
!mit-bringen bringt brachte mitgebracht | bring/brought/brought along | human : thing fruit bakery
vor-lesen liest las vorgelesen | read/read/read | human > human : text tale
helfen hilft half geholfen | help | human > human
danken | thank | human > human
antworten | answer | human > human
folgen folgt folgte +gefolgt | follow | anyone > human animal
*gehören | belong to | thing clothes vehicle building animal > human
*gefallen gefällt gefiel gefallen | like | text song building clothes vehicle place > human
geben gibt gab gegeben | give/gave/given | human > human : thing fruit text
zeigen | show/showed/shown | human > human : thing text clothes vehicle building
schicken | send/sent/sent | adult > human : thing text
bringen bringt brachte gebracht | bring/brought/brought | human > human : thing drink fruit clothes
leihen leiht lieh geliehen | lend/lent/lent | human > human : text vehicle thing
erzählen | tell/told/told | human > human : tale
schlafen schläft schlief geschlafen | sleep/slept/slept | anyone @ (in)
arbeiten | work | adult @ (in)
lachen | laugh | human
tanzen | dance | human @ (in)
spielen | play | human @ (in)
warten | wait | anyone @ (in)
frühstücken | have/had/had breakfast | human @ (in)
fern-sehen sieht sah ferngesehen | watch television | human
auf-stehen steht stand +aufgestanden | get/got/got up | human
auf-wachen wacht wachte +aufgewacht | wake/woke/woken up | anyone
!ein-schlafen schläft schlief +eingeschlafen | fall/fell/fallen asleep | anyone @ (in)
!an-kommen kommt kam +angekommen | arrive | human @ in
zurück-kommen kommt kam +zurückgekommen | come/came/come back | human @ from
*wohnen | live | human @ in
sitzen sitzt saß gesessen | sit/sat/sat | anyone @ on
*liegen liegt lag gelegen | lie/lay/lain | animal thing clothes text @ on
bleiben bleibt blieb +geblieben | stay | anyone @ in
gehen geht ging +gegangen | go/went/gone | human @ into
laufen läuft lief +gelaufen | run/ran/run | anyone @ into
fahren fährt fuhr +gefahren | drive/drove/driven | adult @ into
legen | put/put/put | human : thing clothes text @ onto
stellen | put/put/put | human : thing drink device @ onto
"""
# Verbs with a place of their own in the grammar; the present may list ich/du/er/wir.
HELPER_TABLE = """
*sein bin/bist/ist/sind war +gewesen | be/was/been | anyone
*haben habe/hast/hat/haben hatte gehabt | have/had/had | human
werden werde/wirst/wird/werden wurde +geworden | become/became/become
regnen regnet regnete geregnet | rain
schneien | snow
sagen | say/said/said
glauben | believe
hoffen | hope
wissen weiß/weißt/weiß/wissen wusste gewusst | know/knew/known
fragen | ask
versuchen | try
vergessen vergisst vergaß vergessen | forget/forgot/forgotten
beschließen beschließt beschloss beschlossen | decide
an-fangen fängt fing angefangen | begin/began/begun
können kann/kannst/kann/können konnte gekonnt | can/could
müssen muss/musst/muss/müssen musste gemusst | have/had to
wollen will/willst/will/wollen wollte gewollt | want/wanted to
möchten möchte/möchtest/möchte/möchten wollte gemocht | would/would like to
sollen soll/sollst/soll/sollen sollte gesollt | should/should
dürfen darf/darfst/darf/dürfen durfte gedurft | be/was allowed to
"""
DOUBLED = {"run", "sit", "get", "put", "begin"}  # running

# An adverb with an empty translation is told by the English tense.
ADVERBS = {
    "habit": texts(
        "jeden Tag=every day, jeden Morgen=every morning, jeden Abend=every evening, "
        "im Sommer=in summer, im Winter=in winter, am Abend=in the evening"
    )
    + [Text(f"um {number.de} Uhr", f"at {number.en} o'clock") for number in NUMBERS],
    "often": texts("oft=often, immer=always, manchmal=sometimes, nie=never"),
    "now": texts("gerade=, jetzt=now, heute=today"),
    "past": texts("gestern=yesterday, letzte Woche=last week, gestern Abend=yesterday evening, letzten Sommer=last summer")
    + [Text(f"am {day.de}", f"on {day.en}") for day in DAYS]
    + [Text(f"vor {number.de} Tagen", f"{number.en} days ago") for number in NUMBERS],
    "soon": texts("morgen=tomorrow, bald=soon, nächste Woche=next week, morgen Abend=tomorrow evening")
    + [Text(f"in {number.de} Tagen", f"in {number.en} days") for number in NUMBERS],
    "done": texts("schon=already"),
}
NOT_YET = Text("noch", "yet")
MID_ADVERBS = {"often", "always", "sometimes", "never", "already"}  # before the English verb


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
    infinitive: str  # without the prefix
    prefix: str
    present: Sequence[str]  # ich (du) er wir
    preterite: str
    participle: str
    auxiliary: str
    forms: Sequence[str]  # English base, past and participle
    particle: str
    kinds: dict[str, list[str]]  # the kinds of noun that can take a role
    place: str
    mark: str

    def german(self, tense: str, agreement: str) -> str:
        if tense == "present":
            return self.present[("1s", "2s", "3s", "pl").index(agreement)]
        plural = "n" if self.preterite.endswith("e") else "en"
        return self.preterite + (plural if agreement == "pl" else "")


def read_verb(line: str) -> Verb:
    german, english, frame = f"{line}|".split("|")[:3]
    infinitive, *irregular = german.lstrip("*!").split()
    prefix, _, infinitive = infinitive.rpartition("-")
    third, preterite, participle = irregular or weak_forms(infinitive, prefix)
    stem = infinitive.removesuffix("n").removesuffix("e")
    forms, _, particle = english.strip().partition(" ")
    kinds, _, place = frame.partition("@")
    receivers, _, objects = kinds.partition(":")
    roles = zip(("subject", "dative", "accusative"), [*f"{receivers}>".split(">")[:2], objects], strict=True)
    return Verb(
        infinitive,
        prefix,
        present=third.split("/") if "/" in third else (f"{stem}e", "", third, infinitive),
        preterite=preterite,
        participle=participle.removeprefix("+"),
        auxiliary="sein" if participle.startswith("+") else "haben",
        forms=forms.split("/") if "/" in forms else (forms, past(forms), past(forms)),
        particle=particle,
        kinds={role: " ".join(GROUPS.get(kind, kind) for kind in text.split()).split() for role, text in roles},
        place=place.strip(),
        mark=german[0],
    )


def weak_forms(infinitive: str, prefix: str) -> tuple[str, str, str]:
    stem = infinitive.removesuffix("n").removesuffix("e")
    stem += "e" if stem[-1] in "td" else ""
    ge = "" if infinitive.startswith(("be", "ver", "er")) or infinitive.endswith("ieren") else "ge"
    return f"{stem}t", f"{stem}te", f"{prefix}{ge}{stem}t"


def third_person(verb: str) -> str:
    if verb == "have":
        return "has"
    return re.sub(r"(?<=[^aeiou])y$", "ie", verb) + ("es" if verb.endswith(("sh", "ch", "o")) else "s")


def past(verb: str) -> str:
    return re.sub(r"(?<=[^aeiou])y$", "i", verb.removesuffix("e")) + "ed"


def gerund(verb: str) -> str:
    return (verb + verb[-1] if verb in DOUBLED else verb.removesuffix("e")) + "ing"


LEXICON = [read_noun(entry, kind) for kind, table in NOUNS.items() for entry in table.split(",")]
VERBS = [read_verb(line) for line in VERB_TABLE.strip().splitlines()]
HELPERS = {verb.infinitive: verb for verb in map(read_verb, HELPER_TABLE.strip().splitlines())}

# Endings in the nominative, accusative and dative for masculine, feminine, neuter and plural.
DEFINITE = ("er ie as ie", "en ie as ie", "em er em en")
INDEFINITE = ("- e - e", "en e - e", "em er em en")
STRONG = ("er e es e", "en e es e", "em er em en")
MIXED = ("er e es en", "en e es en", "en en en en")
WEAK = ("e e e en", "en e e en", "en en en en")
BARE = ("- - - -",) * 3
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
    definite: bool = False


THE = Determiner("d", "the", "the", DEFINITE, WEAK, True)
THIS = Determiner("dies", "this", "these", STRONG, WEAK, True)
A = Determiner("ein", "a", "", INDEFINITE, MIXED)
NO = Determiner("kein", "a", "any", INDEFINITE, MIXED)  # in English the verb is negated
NONE = Determiner("", "", "", BARE, STRONG)
MANY = Determiner("viel", "", "many", STRONG, STRONG)
COUNTS = [Determiner(number.de, "", number.en, BARE, STRONG) for number in NUMBERS]


@dataclass(frozen=True)
class Phrase:
    """A subject or an object with all its case forms."""

    de: Sequence[str]  # by case
    en: Sequence[str]  # subject, object
    agreement: str  # 1s, 2s, 3s or pl
    kind: str
    possessive: Determiner
    pronoun: "Phrase | None" = None  # that refers to this phrase
    column: int = PLURAL
    determiner: Determiner = THE
    wh: bool = False  # opens its clause in both languages
    relative: "Clause | None" = None


def pronoun(agreement: str, de: str, en: str, kind: str = "name", wh: bool = False) -> Phrase:
    """A pronoun from its three cases and its possessive."""
    *cases, own = de.split()
    *forms, english_own = en.split()
    owner = Determiner(own, english_own, english_own, INDEFINITE, MIXED, True)
    return Phrase(cases, forms, agreement, kind, owner, wh=wh)


THIRD = ("er ihn ihm sein", "sie sie ihr ihr", "es es ihm sein", "sie sie ihnen ihr")
HE, SHE, IT, THEY = "he him his", "she her her", "it it its", "they them their"
I, YOU, WE = (  # noqa: E741
    pronoun("1s", "ich mich mir mein", "I me my"),
    pronoun("2s", "du dich dir dein", "you you your"),
    pronoun("pl", "wir uns uns unser", "we us our"),
)
OTHERS = [pronoun("3s", THIRD[0], HE), pronoun("3s", THIRD[1], SHE), pronoun("pl", THIRD[PLURAL], THEY)]
