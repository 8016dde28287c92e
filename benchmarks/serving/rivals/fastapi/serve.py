"""The rival that most tutorials build: FastAPI, pydantic and a scikit-learn pipeline, under uvicorn. Takes posts and a port."""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

sys.path.append(str(Path(__file__).parents[1]))
from model import LABELS, fitted

model = fitted(Path(sys.argv[1]))
app = FastAPI()


class Ask(BaseModel):
    text: str


class Said(BaseModel):
    label: str
    probability: float


@app.post("/predict")
def predict(ask: Ask) -> Said:
    scores = model.predict_proba([ask.text])[0]
    return Said(label=LABELS[int(scores[1] >= 0.5)], probability=float(max(scores)))


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
