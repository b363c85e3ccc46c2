"""The API of OpenNMT-py's translation server: /translator/translate and /translator/models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nmt.service.pairs import LanguagePair
from nmt.service.wire import RefusedError, TranslatedText, TranslationRequest, number_field, text_field


def translation_requests(data: Any, pairs: Mapping[str, LanguagePair]) -> list[TranslationRequest]:
    """The requests, one for each text, in the body [{"src": text, "id"?: number or name of a pair}] of
    POST /translator/translate. Raises RefusedError."""
    if not isinstance(data, list) or not data or not all(isinstance(one, dict) for one in data):
        raise RefusedError(400, "the body must be a list of objects with src")
    wanted = [(_pair(one, pairs), text_field(one, "src")) for one in data]
    # Asked for an alternative, which the answer leaves out, a greedy search computes the score, too.
    return [TranslationRequest((text,), pair.source, pair.target, alternatives=1) for pair, text in wanted]


def _pair(fields: Mapping[str, Any], pairs: Mapping[str, LanguagePair]) -> LanguagePair:
    name = fields.get("id")
    if isinstance(name, str) and name in pairs:
        return pairs[name]
    try:
        return list(pairs.values())[number_field(fields, "id", len(pairs) - 1)]
    except RefusedError:
        known = ", ".join(pairs)
        message = f"there is no such model; id is one of {known}, or its place in this list from 0"
        raise RefusedError(400, message) from None


def answer(wanted: Sequence[TranslationRequest], answers: Sequence[TranslatedText]) -> list[list[dict[str, Any]]]:
    found = zip(wanted, answers, strict=True)
    return [[{"src": one.texts[0], "tgt": best.text, "n_best": 1, "pred_score": best.score} for one, best in found]]


def models(pairs: Iterable[str]) -> list[dict[str, Any]]:
    return [{"model_id": number, "models": [pair], "available": True} for number, pair in enumerate(pairs)]


def error(refusal: RefusedError) -> dict[str, Any]:
    return {"status": "error", "error": refusal.message}
