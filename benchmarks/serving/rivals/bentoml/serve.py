"""BentoML, as its documentation shows it, with one worker. Takes posts and a port."""

import os
import subprocess
import sys
from pathlib import Path

import bentoml

sys.path.append(str(Path(__file__).parents[1]))
from model import LABELS, fitted


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Judge:
    def __init__(self) -> None:
        self.model = fitted(Path(os.environ["POSTS"]))

    @bentoml.api
    def predict(self, text: str) -> dict[str, str | float]:
        scores = self.model.predict_proba([text])[0]
        return {"label": LABELS[int(scores[1] >= 0.5)], "probability": float(max(scores))}


if __name__ == "__main__":
    command = [
        str(Path(sys.executable).with_name("bentoml")),
        "serve",
        "serve:Judge",
        "--port",
        sys.argv[2],
        "--host",
        "127.0.0.1",
    ]
    environment = {**os.environ, "POSTS": str(Path(sys.argv[1]).absolute()), "BENTOML_DO_NOT_TRACK": "true"}
    subprocess.run(command, check=True, cwd=Path(__file__).parent, env=environment)
