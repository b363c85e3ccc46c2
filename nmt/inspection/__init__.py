"""What a model does while it translates: attention, gates, states, gradients and the search, as arrays and
pictures."""

from nmt.inspection.charts import sections
from nmt.inspection.report import PARTS, inspect_sentence

__all__ = ["PARTS", "inspect_sentence", "sections"]
