"""How sure a share is: Wilson's 95 % interval ("Probable inference", Journal of the American Statistical Association, 1927)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Z = 1.96  #: so many standard deviations hold 95 % of a normal distribution


def wilson(share: float, rows: float) -> tuple[float, float]:
    """Return the 95 % interval of a share of `rows`; all that is possible where there are none.

    >>> low, high = wilson(0.9, 50)
    >>> round(low, 3), round(high, 3)
    (0.786, 0.957)
    """
    low, high = _ends(float(share), max(float(rows), 0.0))
    return max(0.0, low), min(1.0, high)


def wilson_ends(shares: "np.ndarray", rows: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
    """Return the low and the high ends for many shares at once, float64."""
    import numpy as np  # here: the pages need one interval at a time, and no numpy

    low, high = _ends(shares, np.maximum(rows, 0.0))
    return np.maximum(0.0, low), np.minimum(1.0, high)


def _ends(share: Any, rows: Any) -> tuple[Any, Any]:
    middle = (share * rows + Z**2 / 2) / (rows + Z**2)
    spread = Z / (rows + Z**2) * (share * (1 - share) * rows + Z**2 / 4) ** 0.5
    return middle - spread, middle + spread
