"""Text to ids and back: SentencePiece, one model for both sides or one a side.

BOS and EOS are added here and nowhere else: a source ends with EOS, a target stands between BOS and EOS.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import sentencepiece

from nmt.data.sampling import PieceSampler
from nmt.ranges import check_ranges

SENTENCEPIECE_VERSION: str = sentencepiece.__version__
SPECIAL_IDS = PAD_ID, UNK_ID, BOS_ID, EOS_ID = 0, 1, 2, 3
JOINT, SRC, TGT = "tokenizer.model", "tokenizer.src.model", "tokenizer.tgt.model"


@dataclass(frozen=True)
class TokenizerConfig:
    vocab_size: int  # pieces, the 4 special ids and 256 bytes included; of each side when not joint
    kind: Literal["bpe", "unigram"] = "bpe"
    joint: bool = True
    character_coverage: float = 1.0  # share of the text's characters that become pieces; bytes spell the others
    normalization: Literal["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "identity"] = "nmt_nfkc"
    # How much training varies the pieces of a sentence. "bpe": the probability that a merge is left out (BPE-dropout,
    # Provilkov et al., 2020, arXiv:1910.13267), 0.1 for example. "unigram": how far the more likely splits are
    # preferred (Kudo, 2018, arXiv:1804.10959), such as 0.5; less is more variety. 0: always the best split.
    sampling: float = 0.0
    max_sentences: int = 2_000_000  # the most sentences to learn pieces from, sampled evenly

    def __post_init__(self) -> None:
        check_ranges(
            self,
            vocab_size=(261, 1_000_000),
            character_coverage=(0.5, 1),
            sampling=(0, 1),
            max_sentences=(1, 100_000_000),
        )


class Tokenizer:
    """The two sides' SentencePiece models, which are one and the same when joint."""

    def __init__(self, models: dict[str, bytes]) -> None:
        """`models` maps file names to serialised models: {JOINT: ...} or {SRC: ..., TGT: ...}.

        Raises ValueError when one of them is no SentencePiece model with this project's special ids.
        """
        self.models = models
        processors = {name: _load(name, model) for name, model in models.items()}
        self.joint = JOINT in processors
        self.src = processors[JOINT if self.joint else SRC]
        self.tgt = processors[JOINT if self.joint else TGT]

    @cached_property
    def samplers(self) -> tuple[PieceSampler, PieceSampler]:
        """Of the source and of the target."""
        src = PieceSampler(self.src)
        return src, src if self.joint else PieceSampler(self.tgt)

    @property
    def kind(self) -> Literal["bpe", "unigram"]:
        return "bpe" if self.samplers[1].is_bpe else "unigram"

    @property
    def src_vocab_size(self) -> int:
        return int(self.src.vocab_size())

    @property
    def tgt_vocab_size(self) -> int:
        return int(self.tgt.vocab_size())

    def encode_src(self, texts: Sequence[str], num_threads: int = 1) -> list[list[int]]:
        """Each text -> its pieces and EOS."""
        return _encode(self.src, texts, num_threads, add_bos=False)

    def encode_tgt(self, texts: Sequence[str], num_threads: int = 1) -> list[list[int]]:
        """Each text -> BOS, its pieces, EOS."""
        return _encode(self.tgt, texts, num_threads, add_bos=True)

    def sample_src(self, ids: Sequence[int], sampling: float, seed: int) -> list[int]:
        """Source ids -> other pieces of the same text, EOS included; always the same of one seed."""
        return self.samplers[0](ids, sampling, seed)

    def sample_tgt(self, ids: Sequence[int], sampling: float, seed: int) -> list[int]:
        """The same for target ids from BOS to EOS."""
        return self.samplers[1](ids, sampling, seed)

    def decode_tgt(self, ids: Sequence[int]) -> str:
        """Target ids without BOS and EOS -> detokenised text, on one line whatever bytes a model makes."""
        text: str = self.tgt.decode(list(ids))
        return re.sub(r"[\r\n]+", " ", text).strip()

    def src_pieces(self, ids: Sequence[int]) -> list[str]:
        return [self.src.id_to_piece(i) for i in ids]

    def tgt_pieces(self, ids: Sequence[int]) -> list[str]:
        return [self.tgt.id_to_piece(i) for i in ids]


def _encode(
    processor: sentencepiece.SentencePieceProcessor, texts: Sequence[str], num_threads: int, add_bos: bool
) -> list[list[int]]:
    if num_threads > 1:
        encoded: list[list[int]] = processor.encode(
            list(texts), add_bos=add_bos, add_eos=True, num_threads=num_threads
        )
        return encoded
    # For a list it starts a thread, which takes ten times as long as a sentence does.
    return [processor.encode(text, add_bos=add_bos, add_eos=True) for text in texts]


def train_tokenizer(config: TokenizerConfig, src: Iterable[str], tgt: Iterable[str]) -> Tokenizer:
    """Learn the pieces from the training side's text. The same text and config give the same bytes.

    Raises ValueError when the text cannot support `vocab_size`.
    """
    if config.joint:
        return Tokenizer({JOINT: _train(config, _chain(src, tgt))})
    return Tokenizer({SRC: _train(config, src), TGT: _train(config, tgt)})


def _chain(*sides: Iterable[str]) -> Iterable[str]:
    for side in sides:
        yield from side


def _train(config: TokenizerConfig, texts: Iterable[str]) -> bytes:
    model = io.BytesIO()
    try:
        _learn(
            texts,
            model_writer=model,
            model_type=config.kind,
            vocab_size=config.vocab_size,
            character_coverage=config.character_coverage,
            normalization_rule_name=config.normalization,
            input_sentence_size=config.max_sentences,
            shuffle_input_sentence=False,  # an even sample without a random number
            byte_fallback=True,  # no character is ever lost
            num_threads=2,  # a constant: unigram sums floats by thread
            pad_id=PAD_ID,
            unk_id=UNK_ID,
            bos_id=BOS_ID,
            eos_id=EOS_ID,
            minloglevel=2,
        )
    except RuntimeError as error:
        most = re.search(r"value <= (\d+)", str(error))
        if most is None:
            raise ValueError(f"SentencePiece cannot learn pieces from this text: {error}") from None
        raise ValueError(
            f"tokenizer.vocab_size is {config.vocab_size}, but the training text supports {most[1]} at most"
        ) from None
    processor = _load("the new model", model.getvalue())
    if processor.vocab_size() < config.vocab_size:  # BPE stops early in silence
        raise ValueError(
            f"tokenizer.vocab_size is {config.vocab_size}, "
            f"but the training text supports {processor.vocab_size()} at most"
        )
    return model.getvalue()


def _learn(texts: Iterable[str], **options: Any) -> None:
    """SentencePiece's training, in a thread: a signal ends the wait for one at once, but not a call into C++."""
    done, stopped = Future[None](), threading.Event()

    def until_stopped() -> Iterator[str]:
        for text in texts:
            if stopped.is_set():
                raise InterruptedError
            yield text

    def run() -> None:
        try:
            sentencepiece.SentencePieceTrainer.train(sentence_iterator=until_stopped(), **options)
            done.set_result(None)
        except BaseException as error:
            done.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()  # which a signal may end, too
        done.result()
    except BaseException:
        stopped.set()
        if thread.is_alive():
            thread.join(1.0)  # s; it must not be amid Python's code when the process ends
        raise


def _load(name: str, model: bytes) -> sentencepiece.SentencePieceProcessor:
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        special = (processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id())
    except RuntimeError:
        raise ValueError(f"{name} is no SentencePiece model") from None
    if special != SPECIAL_IDS:
        raise ValueError(f"{name} has the special ids {special}; they must be {SPECIAL_IDS}")
    return processor
