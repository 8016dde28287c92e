import math

import pytest

from goldstream.models.folder import Facts, Loaded
from goldstream.stream.champion import Fixed
from goldstream.testing import Keywords

TEXT = "my flood in a phone"


def test_an_explanation_is_a_prediction_with_the_weight_of_each_token(client):
    said = client.post("/explain", json={"text": TEXT}).json()
    judged = client.post("/predict", json={"text": TEXT}).json()
    assert {**judged, "prediction_id": "", "elapsed_seconds": 0} == {
        **{key: value for key, value in said.items() if key in judged}, "prediction_id": "", "elapsed_seconds": 0,
    }  # fmt: skip
    weights = {token["token"]: token["weight"] for token in said["tokens"]}
    assert list(weights) == ["my", "flood", "in", "a", "phone"]
    sign = 1 if said["label"] == "keep" else -1
    assert sign * weights["flood"] > 0 > sign * weights["phone"]
    assert said["tokens"][1]["start"] == 3


@pytest.mark.parametrize("path", ["/explain", "/versions/2/explain"])
@pytest.mark.parametrize("text", ["", TEXT, "the river floods " * 300], ids=["nothing", "a few words", "many words"])
def test_bias_and_weights_add_up_to_the_log_odds(client, path, text):
    said = client.post(path, json={"text": text}).json()
    found = said["bias"] + sum(token["weight"] for token in said["tokens"])
    assert said["probability"] == pytest.approx(1 / (1 + math.exp(-found)), abs=1e-5)


def test_what_was_explained_is_kept_for_feedback(store, registry, served):
    with served().client() as client:
        said = client.post("/explain", json={"text": TEXT}).json()
        heard = client.post("/feedback", json={"prediction_id": said["prediction_id"], "correct": True})
        [kept] = client.get("/predictions").json()["predictions"]
    assert heard.status_code == 200
    assert (kept["id"], kept["text"], kept["label"]) == (said["prediction_id"], TEXT, said["label"])


def test_a_model_that_is_no_sum_is_explained_by_what_goes_with_each_token(store, registry, served):
    made = served()
    facts = Facts(type="keywords", name="floods", labels=["keep", "other"], threshold=0.5, positive="keep", golden=[])
    made.champion.current = Fixed(Loaded(Keywords("flood"), facts), 1)
    with made.client() as client:
        said = client.post("/explain", json={"text": TEXT}).json()
    assert (said["label"], said["bias"]) == ("keep", None)
    assert [token["token"] for token in said["tokens"] if token["weight"] > 1] == ["flood"]


def test_a_text_that_is_too_long_is_not_explained(client):
    assert client.post("/explain", json={"text": "a" * 20_001}).status_code == 400
    assert client.post("/v1/models/floods:explain", json={"instances": ["a" * 20_001]}).status_code == 400
