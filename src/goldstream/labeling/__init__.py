"""Rules that vote, and models that turn votes into probabilities."""

from goldstream.labeling.functions import LabelingFunction, labeling_function
from goldstream.labeling.loading import load
from goldstream.labeling.rules import keyword_rule, lookup_rule, regex_rule

__all__ = ["LabelingFunction", "keyword_rule", "labeling_function", "load", "lookup_rule", "regex_rule"]
