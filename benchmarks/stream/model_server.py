"""The model server of the classic design: FastAPI, pydantic and the same pipeline, under uvicorn. Takes a port."""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from starting_line import pipeline

app = FastAPI()


class Ask(BaseModel):
    """A post's text."""

    text: str


@app.post("/predict")
def predict(ask: Ask) -> dict[str, float]:
    return {"probability": float(pipeline().predict_proba([ask.text])[0, 1])}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
