"""Rules that vote, and models that turn votes into probabilities."""

from goldstream.labeling.functions import (
    LabelingFunction,
    keyword_rule,
    labeling_function,
    load,
    lookup_rule,
    regex_rule,
)

__all__ = ["LabelingFunction", "keyword_rule", "labeling_function", "load", "lookup_rule", "regex_rule"]
