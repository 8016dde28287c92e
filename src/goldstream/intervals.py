"""How sure a share is: Wilson's 95 % interval ("Probable inference", Journal of the American Statistical Association, 1927)."""

import numpy as np

Z = 1.96  #: so many standard deviations hold 95 % of a normal distribution


def wilson(share: float, rows: float) -> tuple[float, float]:
    """Return the 95 % interval of a share of `rows`; all that is possible where there are none.

    >>> low, high = wilson(0.9, 50)
    >>> round(low, 3), round(high, 3)
    (0.786, 0.957)
    """
    low, high = wilson_ends(np.array([share]), np.array([rows]))
    return float(low[0]), float(high[0])


def wilson_ends(shares: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the low and the high ends for many shares at once, float64."""
    rows = np.maximum(rows, 0.0)
    middle = (shares * rows + Z**2 / 2) / (rows + Z**2)
    spread = Z / (rows + Z**2) * np.sqrt(shares * (1 - shares) * rows + Z**2 / 4)
    return np.maximum(0.0, middle - spread), np.minimum(1.0, middle + spread)
