"""From a collected dataset to a champion: split, label, train, register, promote."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from goldstream.run.project import Project

Say = Callable[[str], None]
