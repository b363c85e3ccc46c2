"""The `translation` task of Hugging Face's inference clients: POST /."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nmt.service.pairs import Pairs
from nmt.service.wire import RefusedError, TranslatedText, TranslationRequest, text_field, texts_field


def translation_request(data: Any, pairs: Pairs) -> TranslationRequest:
    """The request in {"inputs": texts, "parameters"?: {"src_lang"?, "tgt_lang"?}}. Raises RefusedError."""
    if not isinstance(data, dict):
        raise RefusedError(400, "the body must be a JSON object with inputs")
    texts, _ = texts_field(data, "inputs")
    parameters = data.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise RefusedError(400, "parameters must be an object")
    source, target = text_field(parameters, "src_lang", ""), text_field(parameters, "tgt_lang", "")
    return TranslationRequest(texts, *pairs.usual(source, target))


def answer(answers: Sequence[TranslatedText]) -> list[dict[str, str]]:
    return [{"translation_text": one.text} for one in answers]
