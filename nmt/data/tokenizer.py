"""Text to ids and back with SentencePiece, one model for both sides or one for each.

Each side has its own normalization (normalization.py); the default for targets loses nothing. BOS and EOS are added
here and nowhere else: a source ends with EOS, a target stands between BOS and EOS.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import sentencepiece

from nmt.common.ranges import check_ranges
from nmt.data.normalization import RULES, WITHOUT_RULE, Normalization, Outside, rule_of, sentencepiece_input
from nmt.data.sampling import PieceSampler
from nmt.text.casing import marked, unmarked
from nmt.text.protection import SYMBOLS, Kind, TextRules

SENTENCEPIECE_VERSION: str = sentencepiece.__version__
SPECIAL_IDS = PAD_ID, UNK_ID, BOS_ID, EOS_ID = 0, 1, 2, 3
COVERAGES = 0.98, 1.0  # the range that SentencePiece accepts
JOINT, SRC, TGT = "tokenizer.model", "tokenizer.src.model", "tokenizer.tgt.model"


@dataclass(frozen=True)
class TokenizerConfig:
    vocab_size: int  # pieces, including the 4 special ids and 256 bytes; for each side when not joint
    # How pieces are learned: byte-pair encoding (Sennrich et al., 2016), or a unigram language model (Kudo, 2018).
    kind: Literal["bpe", "unigram"] = "bpe"
    joint: bool = True  # one vocabulary for both sides
    character_coverage: float = 1.0  # share of the text's characters that become pieces; bytes spell the others
    # Unicode normalisation of both sides (normalization.py). None: nmt_nfkc for the source, and nfc for the target,
    # with which a model can write everything in its training text.
    normalization: Normalization | None = None
    # How much training varies the pieces of a sentence. "bpe": the probability that a merge is left out (BPE-dropout,
    # Provilkov et al., 2020, arXiv:1910.13267), 0.1 for example. "unigram": how far the more likely splits are
    # preferred (Kudo, 2018, arXiv:1804.10959), such as 0.5; less is more variety. 0: always the best split.
    sampling: float = 0.0
    max_sentences: int = 2_000_000  # the most sentences to learn pieces from, sampled evenly
    src_normalization: Normalization | None = None  # None: as `normalization`
    tgt_normalization: Normalization | None = None  # likewise
    # Parts of a text that are never translated, but copied through a symbol that is a piece (docs/protect.md):
    # placeholders, urls, emails, numbers, tags; all means all of them but numbers.
    protect: tuple[Kind, ...] = ()
    keep: str | None = None  # a regular expression for further text that is never translated
    protect_share: float = 0.2  # share of the training pairs that are added again with such symbols
    # kept: a word in capitals has its own pieces; marked: it has the pieces of the lower-case word and signs of case.
    casing: Literal["kept", "marked"] = "kept"
    capitals_share: float = 0.05  # share of the training pairs that are added again in capitals, with casing=marked

    def __post_init__(self) -> None:
        check_ranges(
            self,
            vocab_size=(261, 1_000_000),
            character_coverage=COVERAGES,
            sampling=(0, 1),
            max_sentences=(1, 100_000_000),
            protect_share=(0, 1),
            capitals_share=(0, 1),
        )
        self.rules  # noqa: B018 (raises ValueError)
        src, tgt = self.normalizations
        if self.joint and len({src, tgt} & set(RULES)) > 1:
            raise ValueError(
                f"src_normalization is {src!r} and tgt_normalization {tgt!r}, but a joint vocabulary keeps one such "
                "rule; choose nfc or identity for one side, or tokenizer.joint=false"
            )

    @property
    def rules(self) -> TextRules:
        return TextRules(self.protect, (self.keep,) if self.keep else (), self.casing)

    @property
    def normalizations(self) -> tuple[Normalization, Normalization]:
        """The normalizations of the source and the target."""
        return (
            self.src_normalization or self.normalization or "nmt_nfkc",
            self.tgt_normalization or self.normalization or "nfc",
        )


class Tokenizer:
    """The SentencePiece models of both sides; when joint, both are the same."""

    def __init__(
        self,
        models: dict[str, bytes],
        src_normalization: Outside | None = None,
        tgt_normalization: Outside | None = None,
        rules: TextRules | None = None,
    ) -> None:
        """`models` maps file names to serialised models: {JOINT: ...} or {SRC: ..., TGT: ...}. A given normalization
        overrides that of the side's model. `rules` tell how case is encoded, and which symbols callers may put into a
        text.

        Raises ValueError when a model is not a SentencePiece model with this project's special ids, or lacks a symbol
        of the rules.
        """
        self.rules = rules or TextRules()
        self.models = models
        self.src_normalization, self.tgt_normalization = src_normalization, tgt_normalization
        self.joint = JOINT in models
        self.src = self._processor(SRC, src_normalization)
        self.tgt = self.src if self.joint else self._processor(TGT, tgt_normalization)
        for side in (self.src, self.tgt):
            for symbol in self.rules.symbols:
                if side.piece_to_id(symbol) == UNK_ID:
                    raise ValueError(f"the tokenizer has no piece {symbol}, which protect, keep or casing needs")

    def _processor(self, side: str, normalization: Outside | None) -> sentencepiece.SentencePieceProcessor:
        name = JOINT if self.joint else side
        return load_processor(name, self.models[name] + (WITHOUT_RULE if normalization else b""))

    @cached_property
    def _tgt_encoder(self) -> sentencepiece.SentencePieceProcessor:
        """The target's processor for encoding. When joint, it has the source's pieces but may have another rule. Made
        on demand, because translating only decodes."""
        if not self.joint or bool(self.src_normalization) == bool(self.tgt_normalization):
            return self.tgt
        return self._processor(TGT, self.tgt_normalization)

    @property
    def normalizations(self) -> tuple[str, str]:
        """The names of the normalizations of the source and the target."""
        src, tgt = (self.models[JOINT if self.joint else side] for side in (SRC, TGT))
        return self.src_normalization or rule_of(src), self.tgt_normalization or rule_of(tgt)

    @property
    def content(self) -> dict[str, str]:
        """Its hashes and settings; equal for tokenizers that do the same."""
        content = {name: hashlib.sha256(model).hexdigest() for name, model in self.models.items()}
        sides = {"src_normalization": self.src_normalization, "tgt_normalization": self.tgt_normalization}
        of_text = {} if self.rules == TextRules() else {"rules": repr(self.rules)}
        return content | {side: name for side, name in sides.items() if name} | of_text

    @cached_property
    def symbol_ids(self) -> dict[int, int]:
        """Source id -> target id of each symbol that stands for protected text."""
        if self.rules.pattern is None:
            return {}
        return {int(self.src.piece_to_id(symbol)): int(self.tgt.piece_to_id(symbol)) for symbol in SYMBOLS}

    @cached_property
    def samplers(self) -> tuple[PieceSampler, PieceSampler]:
        """Samplers for source ids, EOS included, and for target ids from BOS to EOS."""
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
        return _encode(self.src, self._seen(texts, self.src_normalization), num_threads, add_bos=False)

    def control_ids(self, pieces: Sequence[str]) -> list[int]:
        """The source ids of control pieces (train_tokenizer). Raises ValueError for a missing one."""
        ids = [self.src.piece_to_id(piece) for piece in pieces]
        for piece, i in zip(pieces, ids, strict=True):
            if i == UNK_ID or not self.src.is_control(i):
                raise ValueError(f"the tokenizer has no piece {piece}")
        return ids

    def encode_tgt(self, texts: Sequence[str], num_threads: int = 1) -> list[list[int]]:
        """Each text -> BOS, its pieces, EOS."""
        return _encode(self._tgt_encoder, self._seen(texts, self.tgt_normalization), num_threads, add_bos=True)

    def _seen(self, texts: Iterable[str], normalization: Outside | None) -> Iterator[str]:
        sound = sentencepiece_input(texts, normalization)
        return map(marked, sound) if self.rules.casing == "marked" else sound

    def decode_tgt(self, ids: Sequence[int]) -> str:
        """Target ids without BOS and EOS -> detokenised text, always on one line."""
        text: str = self.tgt.decode(list(ids))
        if self.rules.casing == "marked":
            text = unmarked(text.strip())
        return re.sub(r"[\r\n]+", " ", text).strip()

    def src_pieces(self, ids: Sequence[int]) -> list[str]:
        return [self.src.id_to_piece(i) for i in ids]

    def tgt_pieces(self, ids: Sequence[int]) -> list[str]:
        return [self.tgt.id_to_piece(i) for i in ids]


def _encode(
    processor: sentencepiece.SentencePieceProcessor, texts: Iterable[str], num_threads: int, add_bos: bool
) -> list[list[int]]:
    if num_threads > 1:
        encoded: list[list[int]] = processor.encode(
            list(texts), add_bos=add_bos, add_eos=True, num_threads=num_threads
        )
        return encoded
    # For a list it starts a thread, which takes ten times as long as encoding a sentence.
    return [processor.encode(text, add_bos=add_bos, add_eos=True) for text in texts]


def load_processor(name: str, model: bytes) -> sentencepiece.SentencePieceProcessor:
    """Load a model. Raises ValueError if it is not a SentencePiece model with this project's special ids."""
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        special = (processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id())
    except RuntimeError:
        raise ValueError(f"{name} is no SentencePiece model") from None
    if special != SPECIAL_IDS:
        raise ValueError(f"{name} has the special ids {special}; they must be {SPECIAL_IDS}")
    return processor
