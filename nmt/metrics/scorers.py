"""sacreBLEU's metrics, for texts in NFC."""

from __future__ import annotations

from unicodedata import normalize

from sacrebleu import metrics


class _InNFC:
    """Makes sacreBLEU's metrics normalise each text, of either side, to NFC first."""

    def _preprocess_segment(self, sent: str) -> str:
        return str(super()._preprocess_segment(normalize("NFC", sent)))  # type: ignore[misc]


class BLEU(_InNFC, metrics.BLEU):  # type: ignore[misc]
    pass


class CHRF(_InNFC, metrics.CHRF):  # type: ignore[misc]
    def _compute_f_score(self, statistics: list[int]) -> float:
        """As float even for a resample, where it is 0.0 or NumPy's, which statistics.mean does not mix."""
        return float(super()._compute_f_score(statistics))


class TER(_InNFC, metrics.TER):  # type: ignore[misc]
    pass
