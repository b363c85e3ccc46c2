#!/usr/bin/env python3
"""Put tags, placeholders, URLs and numbers into both sides of a test set, and count those that a translation keeps.

    scripts/put_in.py make TRAIN_DIR SRC TGT TEST OUT       # OUT.src, OUT.tgt: the first 1000 pairs of TRAIN_DIR/TEST
    nmt-translate MODEL --tags --keep all --keep numbers < OUT.src > hyp
    scripts/put_in.py count OUT hyp             # the items kept, their order, and the BLEU of the rest

Each item is placed before or around words that are translations of each other, by IBM model 1 of the training text.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import Counter
from pathlib import Path
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from nmt.data.augmentation import Aligner
from nmt.data.corpora import FileCorpus
from nmt.data.preparation import prepare
from nmt.data.tokenizer import TokenizerConfig
from nmt.metrics.config import MetricConfig
from nmt.metrics.measure import Measure
from nmt.text.edits import edited

NUMBER = 1000  # pairs
LETTERS = 4  # minimum word length: nobody marks up an article
ALONE = (
    "{name}",
    "{0}",
    "%s",
    "%1$d",
    "${total}",
    "https://example.org/a?b=1",
    "www.example.org/x",
    "37",
    "1,250",
    "<x/>",
)
AROUND = ("b", "i", 'g id="1"')
ITEM = re.compile(
    r"</?[big](?: id=\"1\")?>|<x/>|\{\w+\}|%1\$d|%s|\$\{\w+\}|https://\S+b=1|www\.example\.org/x|\b37\b|\b1,250\b"
)


def make(folder: str, src: str, tgt: str, test: str, out: str) -> None:
    corpus = FileCorpus(src, tgt, dir=folder, test=test)
    with tempfile.TemporaryDirectory() as cache:
        prepared = prepare(corpus, TokenizerConfig(4000), Path(cache))
        aligner = Aligner(prepared.train, prepared.tokenizer)
        pairs = [pair[:2] for pair in corpus.pairs(test)][:NUMBER]
        found = [_with_items(*pair, aligner, random.Random(number)) for number, pair in enumerate(pairs)]
    for side, name in enumerate(("src", "tgt")):
        Path(f"{out}.{name}").write_text("".join(f"{pair[side]}\n" for pair in found), encoding="utf-8")


def _with_items(src: str, tgt: str, aligner: Aligner, chance: random.Random) -> tuple[str, str]:
    aligned = [pair for pair in aligner(src, tgt) if all(end - start >= LETTERS for start, end in pair)]
    chosen = chance.sample(aligned, min(len(aligned), chance.randint(2, 4)))
    sides: tuple[list[tuple[int, int, str]], ...] = ([], [])
    tag = chance.choice(AROUND)
    items = chance.sample(ALONE, len(ALONE))
    for number, spans in enumerate(chosen):
        for side, (start, end) in zip(sides, spans, strict=True):
            if number == 0:
                side += [(start, start, f"<{tag}>"), (end, end, f"</{tag.split()[0]}>")]
            else:
                side.append((start, start, items[number] + " "))
    return edited(src, sides[0]).text, edited(tgt, sides[1]).text


def count(out: str, hyp: str) -> None:
    srcs, refs, hyps = (
        Path(name).read_text(encoding="utf-8").splitlines() for name in (f"{out}.src", f"{out}.tgt", hyp)
    )
    items = [[ITEM.findall(text) for text in texts] for texts in (srcs, refs, hyps)]
    lost = sum(((Counter(a) - Counter(b)) for a, b in zip(items[0], items[2], strict=True)), Counter[str]())
    more = sum(((Counter(b) - Counter(a)) for a, b in zip(items[0], items[2], strict=True)), Counter[str]())
    ordered = sum(a == b for a, b in zip(items[1], items[2], strict=True))
    print(f"items {sum(map(len, items[0]))}, lost {dict(lost)}, too many {dict(more)}")
    print(f"lines that are well-formed {sum(map(_is_sound, hyps))} of {len(hyps)}")
    either = sum(c in (a, b) for a, b, c in zip(*items, strict=True))
    print(f"lines in the order of the reference {ordered}, or in the source's {either}, of {len(hyps)}")
    known = [(a == b, in_order) for a, b, in_order in zip(items[1], items[2], map(_follows, refs, hyps), strict=True)]
    known = [one for one in known if one[1] is not None]
    right, possible = (sum(map(bool, column)) for column in zip(*known, strict=True))
    print(f"lines with each marked word once {len(known)}: words in its order {possible}, items {right}")
    rest = [[" ".join(ITEM.sub("", text).split()).replace(" .", ".") for text in texts] for texts in (hyps, refs)]
    measure = Measure.of(MetricConfig(), "", rest[1])
    print(f"BLEU of the rest {measure.scores(rest[0], [rest[1]], ('bleu',), 0)['bleu'].score:.2f}")


def _follows(ref: str, hyp: str) -> bool | None:
    """Whether the words after items of the reference have the same order in the translation; None if the translation
    does not contain each of them exactly once."""
    marked = [re.match(r"\s*(\w*)", ref[item.end() :]) for item in ITEM.finditer(ref) if not item[0].startswith("</")]
    words = re.findall(r"\w+", ITEM.sub(" ", hyp).lower())
    places = [[place for place, word in enumerate(words) if word == one[1].lower()] for one in marked if one]
    if any(len(of_word) != 1 for of_word in places):
        return None
    return places == sorted(places)


def _is_sound(text: str) -> bool:
    tags = "".join(re.findall("<[^<>]*>", text))
    try:
        return minidom.parseString(f"<r>{tags}</r>") is not None
    except ExpatError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for work, arguments in ((make, "folder src tgt test out"), (count, "out hyp")):
        command = commands.add_parser(work.__name__)
        command.set_defaults(work=work)
        for argument in arguments.split():
            command.add_argument(argument)
    given = vars(parser.parse_args())
    given.pop("work")(**given)


if __name__ == "__main__":
    main()
