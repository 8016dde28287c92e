"""From votes to a probability for each label: one file for each way, all of the form in `base.py`.

`choice.py` in the folder above fits them all, judges them on dev and takes one.
"""

from goldstream.labeling.label_models.base import LabelModel
from goldstream.labeling.label_models.counting import Votes
from goldstream.labeling.label_models.dawid_skene import DawidSkene
from goldstream.labeling.label_models.generative import Generative
from goldstream.labeling.label_models.majority import Majority
from goldstream.labeling.label_models.triplet import Triplet
from goldstream.labeling.label_models.weighted import Weighted

__all__ = ["DawidSkene", "Generative", "LabelModel", "Majority", "Triplet", "Votes", "Weighted"]
