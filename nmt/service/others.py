"""Two more interfaces that cost little: the translation server of OpenNMT-py, and the `translation` task of Hugging
Face's inference clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nmt.service.wire import Answer, RefusedError, text_field, texts_field


def opennmt_texts(data: Any, pairs: Sequence[str]) -> list[tuple[str, str]]:
    """What POST /translator/translate asks for: [{"src": text, "id"?: number or name of a pair}] -> texts, each with
    its pair. Raises RefusedError."""
    if not isinstance(data, list) or not data or not all(isinstance(one, dict) for one in data):
        raise RefusedError(400, "the body must be a list of objects with src")
    return [(text_field(one, "src"), _pair(one.get("id"), pairs)) for one in data]


def _pair(given: Any, pairs: Sequence[str]) -> str:
    if given is None:
        return pairs[0]
    if isinstance(given, str) and given in pairs:
        return given
    number = int(given) if isinstance(given, str) and given.isascii() and given.isdigit() else given
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(pairs):
        return pairs[number]
    raise RefusedError(
        400, f"there is no such model; id is one of {', '.join(pairs)}, or its place in this list from 0"
    )


def opennmt_answer(texts: Sequence[str], answers: Sequence[Answer]) -> list[list[dict[str, Any]]]:
    found = zip(texts, answers, strict=True)
    return [[{"src": src, "tgt": one.text, "n_best": 1, "pred_score": one.score} for src, one in found]]


def opennmt_models(pairs: Sequence[str]) -> list[dict[str, Any]]:
    return [{"model_id": number, "models": [pair], "available": True} for number, pair in enumerate(pairs)]


def opennmt_error(refusal: RefusedError) -> dict[str, Any]:
    return {"status": "error", "error": refusal.message}


def hf_request(fields: Mapping[str, Any]) -> tuple[tuple[str, ...], str, str]:
    """What a POST of {"inputs", "parameters"?: {"src_lang", "tgt_lang"}} asks for: texts, and the codes of the two
    languages, "" where they are not said. Raises RefusedError."""
    texts, _ = texts_field(fields, "inputs")
    parameters = fields.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise RefusedError(400, "parameters must be an object")
    return texts, text_field(parameters, "src_lang", ""), text_field(parameters, "tgt_lang", "")


def hf_answer(answers: Sequence[Answer]) -> list[dict[str, str]]:
    return [{"translation_text": one.text} for one in answers]
