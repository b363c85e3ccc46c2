"""Detection of a text's language, among a few: by its script, its commonest words, and distinctive letters.

The candidates are the languages that a server translates from. A language without a list of words here is known by
its script.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from nmt.languages import primary

MAX_SEEN_CHARS = 3000  # the part of a text that is looked at
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
UNKNOWN_SHARE = 0.02  # added to the share of known words, for every language of the script

_WORDS = {
    "af": "die van en in is het dit dat nie vir met sy ek hy was wat om jy ons hulle ook maar aan te",
    "bg": "на и да в за не се от е са че като по си с той това беше ще но",
    "bs": "i u je da se na za su sa od koji što nije kao bio biti ali",
    "ca": "de la el i que a en els es per les un amb una és del no va són ha aquest què",
    "cs": "a je se v na že to s z do jsem o i jako by si ale jsou pro co který já tak být bylo jeho",
    "da": "og i at det er en til af på som med for den der ikke de har et jeg var hun han også blev",
    "de": "der die und in das ist zu den nicht ein von mit sich des auf für es im "
    "dem ich eine sie er wir hat auch als an war sind wird bei aus nach wie ihr du was mein kein ein",
    "el": "και το να η της του την ο για με που τα από στο είναι δεν οι θα στην μια",
    "en": "the a of and to in is that it was for on you with he as are this "
    "be at i have not his but they by an we a from or she what there my has do who which",
    "eo": "la de kaj en estas al ne mi ke vi por kun li estis ĝi sed kiu pri el",
    "es": "de la que el en y a los se del las un por con no una su para "
    "es al lo como más pero sus le o este sí muy está qué yo",
    "et": "ja on ei et ta see oli ma kui mis ka oma aga või siis sa seda pole",
    "eu": "eta da ez bat du zen dira ere egin hau baina dut izan dago",
    "fi": "ja on ei se että hän oli minä mutta kun ovat mitä sen tämä olen niin myös joka olet voi",
    "fr": "de la le et les des en un une du que est pour dans qui a il au "
    "ne pas sur ce je plus par se avec son sont vous nous elle cette mais ou",
    "ga": "an agus na ar is a i le bhí sé go tá do níl air mé seo ní ag",
    "hr": "i u je da se na za su sa od koji što nije kao bio biti ali samo",
    "hu": "a az és hogy nem is egy van ez volt meg csak de mint ha már el még azt vagy én",
    "id": "yang dan di ini itu dengan untuk tidak dari dalam akan pada saya ada adalah ke juga anda dia",
    "is": "og að í á er það sem ég til við ekki um var hann með en hún þetta",
    "it": "di e che la il un a per è in non sono una del si da le con "
    "i mi ho lo ma ha come della questo al più anche gli ti",
    "la": "et in est non ad ut cum sed quod qui quae ex si sunt esse ab",
    "lt": "ir yra kad aš į tai su ne iš jis bet kaip buvo tu jo už mes",
    "lv": "un ir es ka tas nav ar no uz tu par bet viņš kas lai mēs vai bija",
    "mk": "на и да во се од за не е со што ќе го си тоа како беше",
    "ms": "yang dan di ini itu dengan untuk tidak dari dalam akan pada saya ada ialah adalah ke awak dia",
    "nb": "og i det er på som en å til at av for med ikke har jeg de den var han hun vi også et",
    "nl": "de het een van en in is dat op te zijn met voor niet die er aan ik "
    "om hij was maar ook als bij zij we wat naar heeft je",
    "pl": "i w nie na się z do to że jest o jak co po ale a od za tak jego tym był mi czy są ja",
    "pt": "de a o que e do da em um para é com não uma os no se na "
    "por mais as dos como mas ao ele das à seu ou eu está você isso foi",
    "ro": "de și în a la cu nu este pe o că un care mai din pentru au fost sunt am dar ce eu el",
    "ru": "и в не на я что он с как это по но все она так его к у из за бы ты мы был от меня",
    "sk": "a je sa v na že to s z do som o aj ako by si ale sú pre čo ktorý ja nie bolo jeho",
    "sl": "je in da na se v za so ne pa bi z kot to ki sem tudi ni po ali",
    "sq": "të e në dhe i një për me që nga është nuk ka më si do ishte unë",
    "sr": "и у је да се на за су са од који што није као био али i u je da se na za su sa od koji što nije kao bio",
    "sv": "och i att det som en på är av för med den till inte har de om jag ett han var vi så hon också",
    "sw": "ya na wa kwa ni katika za la kuwa hii yake cha huo wake hakuna",
    "tl": "ang ng sa na mga ay at hindi ko ito siya niya para ka ako may",
    "tr": "ve bir bu da de için ne çok o ben ile var mı gibi daha ama değil sen kadar olan olarak",
    "uk": "і в не на що я з у до та це він як за але його від ти ми вона був є для",
    "be": "і ў не на што я з у да гэта ён як за але яго ад ты мы яна быў",
    "vi": "và của là có không được cho một người trong những với các này đã tôi khi để",
}
_LETTERS = {  # absent or rare in other languages of the same script
    "cs": "řěů", "da": "æø", "de": "ßäöü", "eo": "ĉĝĥĵŝŭ", "es": "ñ¿¡", "et": "õäöü", "fi": "äö",
    "fr": "çèêëîœùû",
    "hu": "őűö", "is": "þðæ", "lt": "ėįųūž", "lv": "āēīūģķļņ", "nb": "æøå", "pl": "łąęśźżń", "pt": "ãõç",
    "ro": "ășțâ", "sk": "ľŕĺôä", "sv": "åäö", "tr": "ığşç", "uk": "іїєґ", "be": "ўіё", "ru": "ыэё",
    "bg": "ъ", "sr": "ђћџјљњ", "mk": "ѓќѕј", "vi": "ơưđạảấầẩẫậắằẵặẹẻẽếềểễệ",
    "ca": "·ïç", "sl": "čšž", "hr": "čćđšž", "bs": "čćđšž",
    "fa": "پچژگی",
    "ur": "ٹڈڑںےہ", "ar": "ةىأإ",
}  # fmt: skip
_SCRIPTS = {  # script -> its characters, and the languages that are written in it, for "latin" besides all others
    "latin": ("A-Za-z\u00c0-\u024f\u1e00-\u1eff", "sr"),
    "cyrillic": ("\u0400-\u052f", "be bg kk ky mk mn ru sr tg uk"),
    "greek": ("\u0370-\u03ff\u1f00-\u1fff", "el"),
    "arabic": ("\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc", "ar fa ps ur ug sd"),
    "hebrew": ("\u0590-\u05ff", "he yi"),
    "devanagari": ("\u0900-\u097f", "hi mr ne sa"),
    "bengali": ("\u0980-\u09ff", "bn"),
    "gurmukhi": ("\u0a00-\u0a7f", "pa"),
    "gujarati": ("\u0a80-\u0aff", "gu"),
    "tamil": ("\u0b80-\u0bff", "ta"),
    "telugu": ("\u0c00-\u0c7f", "te"),
    "kannada": ("\u0c80-\u0cff", "kn"),
    "malayalam": ("\u0d00-\u0d7f", "ml"),
    "sinhala": ("\u0d80-\u0dff", "si"),
    "thai": ("\u0e00-\u0e7f", "th"),
    "lao": ("\u0e80-\u0eff", "lo"),
    "burmese": ("\u1000-\u109f", "my"),
    "khmer": ("\u1780-\u17ff", "km"),
    "georgian": ("\u10a0-\u10ff", "ka"),
    "armenian": ("\u0530-\u058f", "hy"),
    "ethiopic": ("\u1200-\u137f", "am"),
    "hangul": ("\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3", "ko"),
    "kana": ("\u3040-\u30ff\u31f0-\u31ff", "ja"),
    "han": ("\u3400-\u9fff\uf900-\ufaff", "ja ko zh"),
}
_SCRIPTS_OF: dict[str, tuple[str, ...]] = {}
for _script, (_, _codes) in _SCRIPTS.items():
    for _code in _codes.split():
        _SCRIPTS_OF[_code] = (*_SCRIPTS_OF.get(_code, ()), _script)

# Language written in Han and a script of its own -> that script, and the weight of Han in a text that has none of it.
_BESIDE_HAN = {"ja": ("kana", 0.5), "ko": ("hangul", 0.1)}


@cache
def _signs_of(code: str) -> tuple[frozenset[str], frozenset[str]]:
    """The commonest words and the distinctive letters of a language."""
    return frozenset(_WORDS.get(code, "").split()), frozenset(_LETTERS.get(code, ""))


@cache
def _pattern(scripts: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"[{''.join(_SCRIPTS[script][0] for script in scripts)}]")


def detect(text: str, codes: Sequence[str]) -> list[tuple[str, float]]:
    """The codes, likeliest first, each with its confidence from 0 to 100, relative to the other codes and the best of
    all other known languages. For a text without letters all confidences are 0."""
    text = text[:MAX_SEEN_CHARS].lower()
    words = _WORD.findall(text)
    letters = sum(map(len, words))
    if not letters:
        return [(code, 0.0) for code in codes]
    share = cache(lambda *scripts: len(_pattern(scripts).findall(text)) / letters)
    weights = {code: _weight(_primary(code), words, share) for code in codes}
    served = {_primary(code) for code in codes}
    others = [_weight(code, words, share) for code in {*_WORDS, *_SCRIPTS_OF} - served]
    total = sum(weights.values()) + max(others)
    ranked = sorted(codes, key=lambda code: -weights[code])  # stable: ties keep the order of the codes
    return [(code, 100 * weights[code] / total if total else 0.0) for code in ranked]


def _primary(code: str) -> str:
    first = primary(code)
    return "nb" if first in ("no", "nn") else first


def _weight(code: str, words: Sequence[str], share: Callable[..., float]) -> float:
    """How likely a text of these words is in a language; `share` is that of the characters in some scripts."""
    of_script = share(*_SCRIPTS_OF.get(code, ("latin",)))
    if code == "zh" and share("kana"):
        of_script /= 10
    own, weight = _BESIDE_HAN.get(code, ("", 1.0))
    if own and not share(own):
        of_script *= weight
    known, rare = _signs_of(code)
    common = sum(map(known.__contains__, words)) / len(words)
    marked = 1 - sum(map(rare.isdisjoint, words)) / len(words)
    return float(min(of_script, 1.0) ** 2 * (UNKNOWN_SHARE + common + marked / 2) ** 2)
