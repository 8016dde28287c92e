"""The rival that most tutorials build: FastAPI, pydantic and a scikit-learn pipeline, under uvicorn. Takes a port."""

import re
import sys

import uvicorn
from fastapi import FastAPI
from ours import texts
from pydantic import BaseModel
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

words = texts()
truth = [bool(re.search(r"\b(ai|llm|model|gpt)\b", text, re.IGNORECASE)) for text in words]
model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()).fit(words, truth)
app = FastAPI()


class Ask(BaseModel):
    text: str


class Said(BaseModel):
    label: str
    probability: float


@app.post("/predict")
def predict(ask: Ask) -> Said:
    scores = model.predict_proba([ask.text])[0]
    return Said(label=["other", "ai"][int(scores[1] >= 0.5)], probability=float(max(scores)))


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
