"""LitServe, as its documentation shows it, on the CPU with one worker. Takes posts and a port."""

import sys
from pathlib import Path

import litserve

sys.path.append(str(Path(__file__).parents[1]))
from model import LABELS, fitted


class Judge(litserve.LitAPI):
    def setup(self, device):
        self.model = fitted(Path(sys.argv[1]))

    def decode_request(self, request):
        return request["text"]

    def predict(self, text):
        return self.model.predict_proba([text])[0]

    def encode_response(self, scores):
        return {"label": LABELS[int(scores[1] >= 0.5)], "probability": float(max(scores))}


if __name__ == "__main__":
    server = litserve.LitServer(Judge(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, log_level="error", generate_client_file=False)
