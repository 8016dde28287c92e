"""Which label a model decides for: by a threshold where there are two, else the most probable."""

import numpy as np

from goldstream.jit import tight_kernel


@tight_kernel
def decide(scores: np.ndarray, positive: int, threshold: np.float32, decided: np.ndarray) -> bool:
    """Write the number of each row's label into `decided` (int64). Gives whether all scores (float32) are numbers."""
    fine = True
    for row in range(len(scores)):
        chosen = 0
        if scores.shape[1] == 2:
            chosen = positive if scores[row, positive] >= threshold else 1 - positive
        for label in range(scores.shape[1]):
            fine = fine and np.isfinite(scores[row, label])
            if scores.shape[1] != 2 and scores[row, label] > scores[row, chosen]:
                chosen = label
        decided[row] = chosen
    return fine
