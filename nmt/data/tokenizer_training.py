"""Learn pieces from the training text with SentencePiece."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import chain
from typing import Any

import sentencepiece

from nmt.common.bars import await_with_clock
from nmt.data.normalization import RULES, normalized, outside, sentencepiece_input, with_rule
from nmt.data.tokenizer import (
    BOS_ID,
    EOS_ID,
    JOINT,
    PAD_ID,
    SRC,
    TGT,
    UNK_ID,
    Tokenizer,
    TokenizerConfig,
    load_processor,
)
from nmt.text.casing import marked


class VocabularySizeError(ValueError):
    """The text does not support a vocabulary of this size; `size` is the nearest that it may support."""

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


def train_tokenizer(
    config: TokenizerConfig, src: Iterable[str], tgt: Iterable[str], controls: Sequence[str] = ()
) -> Tokenizer:
    """Learn the pieces from the training text. The same text and config give the same bytes.

    The symbols of the config's rules are pieces of both sides wherever they occur in a text (SentencePiece's
    user-defined symbols). `controls` are pieces that no text can spell, and that decode to nothing: callers insert
    their ids. Both count in `vocab_size`.

    Raises ValueError when there is no text, or it does not support `vocab_size`; and the errors of reading it.
    """
    own = config.rules
    special = {"user_defined_symbols": list(own.symbols), "control_symbols": list(controls)}
    names, sides = config.normalizations, (src, tgt)
    if own.casing == "marked":
        sides = map(marked, src), map(marked, tgt)
    rules = [name if name in RULES else "identity" for name in names]
    text = [sentencepiece_input(side, name) for side, name in zip(sides, names, strict=True)]
    if not config.joint:
        models = {
            SRC: _train(config, special, text[0], rules[0], "source"),
            TGT: _train(config, special, text[1], rules[1], "target"),
        }
    elif rules[0] == rules[1]:
        models = {JOINT: _train(config, special, chain(*text), rules[0])}
    else:  # a file has only one rule: learn the pieces from normalized text, then set the rule
        model = _train(config, special, chain.from_iterable(map(normalized, sides, names)), "identity")
        models = {JOINT: with_rule(model, next(rule for rule in rules if rule in RULES))}
    return Tokenizer(models, outside(names[0]), outside(names[1]), own)


def _train(
    config: TokenizerConfig, special: dict[str, list[str]], texts: Iterable[str], rule: str, side: str = ""
) -> bytes:
    model = io.BytesIO()
    what = f"the {side} side of the training text" if side else "the training text"
    try:
        _learn(
            texts,
            model_writer=model,
            model_type=config.kind,
            vocab_size=config.vocab_size,
            character_coverage=config.character_coverage,
            normalization_rule_name=rule,
            input_sentence_size=config.max_sentences,
            shuffle_input_sentence=False,  # an even sample without a random number
            byte_fallback=True,  # no character is ever lost
            num_threads=2,  # constant, because unigram sums floats by thread
            pad_id=PAD_ID,
            unk_id=UNK_ID,
            bos_id=BOS_ID,
            eos_id=EOS_ID,
            minloglevel=2,
            **special,
        )
    except RuntimeError as error:
        raise _explained(str(error), config.vocab_size, what) from None
    processor = load_processor("the new model", model.getvalue())
    if processor.vocab_size() < config.vocab_size:  # BPE stops early without an error
        raise _too_large(config.vocab_size, what, processor.vocab_size())
    return model.getvalue()


def _explained(error: str, vocab_size: int, what: str) -> ValueError:
    """An error of SentencePiece, which names its own source files, in terms of our settings."""
    if most := re.search(r"value <= (\d+)", error):
        return _too_large(vocab_size, what, int(most[1]))
    if least := re.search(r"required_chars\. \d+ vs (\d+)", error):
        return VocabularySizeError(
            f"tokenizer.vocab_size is {vocab_size}, but the characters of {what} need {least[1]} at least; "
            f"choose tokenizer.vocab_size={least[1]}, more, or auto; or a tokenizer.character_coverage below 1, "
            "which spells the rarest in bytes",
            int(least[1]),
        )
    if "sentences_.empty()" in error or "all_chars_count" in error:
        return ValueError(f"{what} has no line to learn pieces from: all are blank, or longer than 4192 bytes")
    reason = re.sub(r"^INTERNAL: (\S+\(\d+\) )?(\[.*\] )?", "", error.partition("\n")[0])
    return ValueError(f"SentencePiece cannot learn pieces from {what}: {reason}")


def _too_large(vocab_size: int, what: str, most: int) -> VocabularySizeError:
    return VocabularySizeError(
        f"tokenizer.vocab_size is {vocab_size}, but {what} supports {most} at most; choose "
        f"tokenizer.vocab_size={most}, less, or auto",
        most,
    )


def _learn(texts: Iterable[str], **options: Any) -> None:
    """SentencePiece's training, in a thread: a signal interrupts waiting for a thread, but not a call into C++."""
    done, stopped = Future[None](), threading.Event()
    own: list[BaseException] = []  # errors of reading the text, which SentencePiece replaces by its own

    def until_stopped() -> Iterator[str]:
        try:
            for text in texts:
                if stopped.is_set():
                    raise InterruptedError
                yield text
        except Exception as error:
            own.append(error)
            raise

    def run() -> None:
        try:
            sentencepiece.SentencePieceTrainer.train(sentence_iterator=until_stopped(), **options)
            done.set_result(None)
        except BaseException as error:
            done.set_exception(own[0] if own else error)

    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()  # a signal may interrupt this, too
        await_with_clock(f"learning {options['vocab_size']} {options['model_type']} pieces", done)
        done.result()
    except BaseException:
        stopped.set()
        if thread.is_alive():
            thread.join(1.0)  # s; it must not be running Python code when the process ends
        raise
