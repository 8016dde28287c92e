import pytest

TEXT = "the flood comes tonight"


def test_one_text_is_answered_with_one_object(client):
    answer = client.post("/predict", json={"text": TEXT})
    assert answer.status_code == 200
    said = answer.json()
    assert list(said) == ["label", "probability", "probabilities", "model", "version", "prediction_id", "elapsed_seconds"]
    assert (said["label"], said["model"], said["version"]) == ("keep", "floods", 1)
    assert said["probability"] == said["probabilities"]["keep"] > 0.5
    assert sum(said["probabilities"].values()) == pytest.approx(1)


def test_several_texts_are_answered_in_their_order(client):
    said = client.post("/predict", json={"texts": [TEXT, "my new phone", ""]}).json()
    assert [each["label"] for each in said["predictions"][:2]] == ["keep", "other"]
    assert len({each["prediction_id"] for each in said["predictions"]}) == 3
    assert said["elapsed_seconds"] >= 0


def test_no_texts_are_answered_with_none(client):
    assert client.post("/predict", json={"texts": []}).json()["predictions"] == []


def test_a_version_can_be_named(client):
    assert client.post("/versions/2/predict", json={"text": TEXT}).json()["version"] == 2
    unknown = client.post("/versions/77/predict", json={"text": TEXT})
    assert (unknown.status_code, unknown.json()["error"][:28]) == (404, "there is no model version 77")
    assert client.post(f"/versions/{10**30}/predict", json={"text": TEXT}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"{}", b'{"text": 5}', b'{"text": null}', b'{"texts": "a"}', b'{"texts": ["a", 5]}',
        b'{"text": "a", "texts": ["b"]}', b'{"text": NaN}', b'{"text": "\xff"}', b'{"text": "\\ud800"}', b'{"txt": "a"}',
        b"[" * 100_000, b'{"text": ' * 50_000,
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)  # fmt: skip
@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_a_body_that_is_none_is_refused(client, path, body):
    answer = client.post(path, content=body)
    assert answer.status_code == 400
    assert "error" in answer.json()
    assert "Traceback" not in answer.text


def test_too_much_is_refused(open_client):
    client = open_client(**{"max-body-mb": 0.001, "max-texts": 3})
    assert client.post("/predict", json={"text": "a" * 2_000}).status_code == 413
    assert client.post("/predict", json={"texts": ["a"] * 4}).status_code == 400
    assert client.post("/explain", json={"text": "a"}).status_code == 200


def test_a_text_on_which_the_model_fails_does_not_fail_others(registry, served):
    made = served()
    original = made.champion.current.model.predict_few

    def fragile(texts):
        if b"bomb" in texts:
            raise ValueError("boom")
        return original(texts)

    made.champion.current.model.predict_few = fragile
    with made.client() as client:
        assert client.post("/predict", json={"text": "bomb"}).status_code == 500
        assert client.post("/predict", json={"text": TEXT}).status_code == 200


def test_other_methods_and_addresses_are_refused_as_json(client):
    wrong = client.get("/predict")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert "error" in wrong.json()
    assert client.get("/nowhere").json() == {"error": "there is no such address"}
