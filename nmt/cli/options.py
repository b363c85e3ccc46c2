"""Options that several commands share, and the translator and search that they describe."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt import __version__
from nmt.cli.completion import BEFORE, Completion
from nmt.common.bars import bar
from nmt.common.shown import shown

if TYPE_CHECKING:
    from nmt.search import Search
    from nmt.translation.translator import Translator
    from nmt.translation.values import Translation

MAX_WIDTH = 1000  # hypotheses or samples a sentence, as in nmt/search/
MAX_THREADS = 1024
MAX_BATCH = 100_000
MAX_RESAMPLES = 100_000  # each takes an index per sentence
SAMPLING = ("temperature", "top_k", "top_p", "seed")  # fields of search.Sample
SHORTLISTS = {"auto": None, "on": True, "off": False}
REPETITION = ("no_repeat_ngram", "repetition_penalty")  # fields of every search


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="+", metavar="MODEL", help="a model directory, such as runs/demo/model; several: an ensemble"
    )


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options of all commands."""
    add = parser.add_argument
    add("-q", "--quiet", action="store_true", help="no progress and no notes on stderr; warnings and errors stay")
    add("--version", action="version", version=f"nmt {__version__}")
    add("--completion", action=Completion, choices=list(BEFORE), help="print what makes that shell complete options")


def add_direction(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--to", metavar="LANG", help="target language, a code or a name; needed where a model has several")
    add("--from", dest="from_", metavar="LANG", help="source language; needed where the model's tags name it")


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of all commands that translate."""
    add = parser.add_argument
    add_direction(parser)
    add("--beam-size", type=up_to(MAX_WIDTH), metavar="K", help="1 is greedy search; default: the model's own")
    add(
        "--no-repeat-ngram",
        type=positive,
        metavar="N",
        help="no N pieces twice in a translation, for models that fall into a loop; default: the model's own",
    )
    add(
        "--repetition-penalty",
        type=float,
        metavar="X",
        help="multiply the log-probability of a piece that the translation already has, also in scores; default: the "
        "model's own (1)",
    )
    add(
        "--split",
        choices=["none", "sentences"],
        help="translate the sentences of a line one by one, and keep the white space between them (none)",
    )
    _add_kept(parser)
    _add_sampling(parser)
    _add_machine(parser)


def _add_kept(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what is kept as it is").add_argument
    add(
        "--keep",
        action="append",
        default=[],
        metavar="REGEX",
        help="keep what this regular expression finds as it is; or placeholders, urls, emails, numbers, tags, or all "
        "(all of these but numbers); may be repeated. A model that has learned to copy (tokenizer.protect) does so; "
        "otherwise the attention says where it belongs",
    )
    add(
        "--glossary",
        type=Path,
        metavar="TSV",
        help="a file of lines `term TAB translation`; the translations are used as they are given",
    )
    add(
        "--copy-letterless",
        choices=["on", "off"],
        help="copy lines without a letter, such as a number; default: the model's own, which is off where the "
        "validation text translates most such lines",
    )


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("sampling, instead of a search for the best").add_argument
    add("--sample", type=up_to(MAX_WIDTH), metavar="N", help="draw N translations; the first is taken")
    add(
        "--mbr",
        type=up_to(MAX_WIDTH),
        metavar="N",
        help="of N samples, or with --beam-size K of what a beam of K finds (of N if that is more), the one most "
        "like the others (minimum Bayes risk)",
    )
    add("--utility", choices=["chrf", "bleu"], help="how --mbr measures likeness (chrf)")
    add("--temperature", type=float, metavar="T", help="below 1 prefers what is likely (1)")
    add("--top-k", type=positive, metavar="K", help="draw only from the K likeliest pieces")
    add("--top-p", type=float, metavar="P", help="draw from the likeliest pieces that have probability P together")
    add("--seed", type=int, metavar="S", help="the same seed draws the same for the same sentence (1)")


def _add_machine(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("speed and hardware").add_argument
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N (%(default)s)")
    add(
        "--compute",
        choices=["auto", "float32", "bfloat16", "float16", "int8"],
        default="auto",
        help="precision of matrix products; int8 only on a CPU, float16 only on a GPU; auto: the fastest here",
    )
    add(
        "--shortlist",
        choices=["auto", "on", "off"],
        default="auto",
        help="search only likely pieces (scores are then estimates), or all; auto: likely ones, but samples are "
        "drawn from all (%(default)s)",
    )
    add("--batch-size", type=up_to(MAX_BATCH), metavar="N", help="sentences at once; default: as many as are fast")
    add("--workers", type=positive, metavar="N", help="processes that share the work; default: one a core")
    add("--threads", type=up_to(MAX_THREADS), metavar="N", help="of torch in each process (1); kernels have one")


def up_to(most: int) -> Callable[[str], int]:
    """An argparse type: a whole number from 1 to `most`, beyond which the machine would give out."""

    def positive(text: str) -> int:
        number = int(text)
        if number < 1:
            raise ValueError
        if number > most:
            raise argparse.ArgumentTypeError(f"{text} is too many; it must be {most} at most")
        return number

    return positive


positive = up_to(1_000_000)


def open_translator(options: argparse.Namespace) -> Translator:
    """The translator that the options describe. Raises ValueError for an invalid model."""
    from nmt.common.process import IN_SEARCH, tune_process

    tune_process(IN_SEARCH)
    import torch

    from nmt.text.glossary import Glossary
    from nmt.translation.translator import Translator

    torch.set_num_threads(options.threads or 1)
    translator = Translator.load(options.model, options.device, options.compute, SHORTLISTS[options.shortlist])
    translator.direction = translator.directions.chosen(options.to, options.from_)
    translator.search = chosen_search(translator.search, options)
    translator.mbr = options.utility or "chrf" if options.mbr else None
    if options.split:
        translator.split = options.split
    translator.rules = translator.rules.keeping(options.keep)
    if options.glossary:
        translator.glossary = Glossary.load(options.glossary)
    if options.copy_letterless:
        translator.copy_letterless = options.copy_letterless == "on"
    return translator


def chosen_search(own: Search, options: argparse.Namespace) -> Search:
    """The model's own search, changed by the options. Raises ValueError for contradictory options."""
    from nmt.search import Sample, as_kind, with_beam_size

    samples, beam_size = options.sample, options.beam_size
    if options.utility and options.mbr is None:
        raise ValueError("--utility needs --mbr")
    if options.mbr is not None:
        if samples is not None:
            raise ValueError("--mbr N draws N samples itself; leave --sample out")
        if beam_size is None:
            samples = options.mbr
        else:
            beam_size = max(beam_size, options.mbr)
    given = {name: value for name in SAMPLING if (value := getattr(options, name)) is not None}
    if samples is not None and beam_size is not None:
        raise ValueError("--sample and --beam-size exclude each other")
    if beam_size is not None:
        own = with_beam_size(own, beam_size)
    elif samples is not None:
        own = as_kind(Sample, own, samples=samples)
    if given and not isinstance(own, Sample):
        raise ValueError(f"--{next(iter(given)).replace('_', '-')} needs --sample")
    given |= {name: value for name in REPETITION if (value := getattr(options, name)) is not None}
    return replace(own, **given)


def translated(
    options: argparse.Namespace, translator: Translator, texts: Sequence[str], what: str = "", **settings: Any
) -> list[Translation]:
    """The translations of texts, by as many processes as the options say, with a bar labelled with `what`."""
    from nmt.translation.workers import Workers

    label, settings = shown(f"translating {what}".rstrip()), {"plain": True} | settings
    with bar(label, len(texts)) as done, Workers(translator, options.workers, done) as workers:
        return workers.translate(texts, batch_size=options.batch_size, **settings)
