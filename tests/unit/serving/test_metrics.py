import socket
import time

from prometheus_client.parser import text_string_to_metric_families

#: What part of the serving process there is for it, and its labels.
FAMILIES = {
    "goldstream_build_info": ("gauge", {"version", "git"}),
    "goldstream_ready": ("gauge", set()),
    "goldstream_http_requests": ("counter", {"route", "method", "code"}),
    "goldstream_http_request_duration_seconds": ("histogram", {"route"}),
    "goldstream_predictions": ("counter", {"model", "version", "label"}),
    "goldstream_prediction_probability": ("histogram", {"model"}),
    "goldstream_predict_batch_size": ("histogram", {"model"}),
    "goldstream_predict_queue_seconds": ("histogram", {"model"}),
    "goldstream_model_loaded_info": ("gauge", {"model", "version", "alias"}),
    "goldstream_model_swaps": ("counter", {"result"}),
    "goldstream_model_swap_seconds": ("gauge", set()),
    "goldstream_feedback": ("counter", {"model", "version", "correct"}),
    "goldstream_predictions_stored": ("counter", set()),
    "goldstream_predictions_dropped": ("counter", set()),
    "goldstream_predictions_waiting": ("gauge", set()),
}


def _read(client):
    return {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}


def _value(families, sample, **labels):
    [family] = [
        family for name, family in families.items() if sample.startswith(name) and any(s.name == sample for s in family.samples)
    ]
    return sum(each.value for each in family.samples if each.name == sample and labels.items() <= each.labels.items())


def test_prometheus_reads_the_page(store, registry, served):
    with served().client() as client:
        for text in ("the flood comes tonight", "my new phone"):
            said = client.post("/predict", json={"text": text}).json()
            client.post("/feedback", json={"prediction_id": said["prediction_id"], "label": "keep"})
        answer = client.get("/metrics")
        families = _read(client)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert {name: family.type for name, family in families.items()} == {name: kind for name, (kind, _) in FAMILIES.items()}
    for name, (_, labels) in FAMILIES.items():
        assert all(sample.labels.keys() - {"le"} == labels for sample in families[name].samples), name
    assert _value(families, "goldstream_feedback_total", version="1", correct="true") == 1
    assert _value(families, "goldstream_feedback_total", version="1", correct="false") == 1
    assert _value(families, "goldstream_http_requests_total", route="/predict") == 2


def test_what_was_answered_is_counted(client):
    client.post("/predict", json={"texts": ["the flood comes tonight", "my new phone"]})
    client.post("/predict", content=b"{")
    client.get("/nowhere/at/all")
    found = _read(client)
    assert _value(found, "goldstream_http_requests_total", route="/predict", method="POST", code="200") == 1
    assert _value(found, "goldstream_http_requests_total", route="/predict", method="POST", code="400") == 1
    assert _value(found, "goldstream_http_requests_total", route="other", method="GET", code="404") == 1
    assert _value(found, "goldstream_predictions_total", model="floods", version="1", label="keep") == 1
    assert _value(found, "goldstream_http_request_duration_seconds_bucket", route="/predict", le="+Inf") == 2
    assert _value(found, "goldstream_http_request_duration_seconds_count", route="/predict") == 2
    assert _value(found, "goldstream_model_loaded_info", model="floods", version="1", alias="champion") == 1


def test_batches_and_probabilities_are_counted_one_by_one_and_in_bulk(client):
    said = [client.post("/predict", json={"text": "the flood comes tonight"}).json()]
    said += client.post("/predict", json={"texts": ["my new phone"] * 99}).json()["predictions"]
    found = _read(client)
    assert _value(found, "goldstream_predict_batch_size_count") == 2
    assert _value(found, "goldstream_predict_batch_size_sum") == 100
    assert _value(found, "goldstream_predict_queue_seconds_count") == 2
    assert _value(found, "goldstream_prediction_probability_count") == 100
    assert abs(_value(found, "goldstream_prediction_probability_sum") - sum(each["probability"] for each in said)) < 1e-4
    for bound in ("0.5", "0.7", "0.9", "1.0"):
        below = sum(each["probability"] <= float(bound) for each in said)
        assert _value(found, "goldstream_prediction_probability_bucket", le=bound) == below


def test_paths_of_clients_own_make_no_series(client):
    for number in range(400):
        client.get(f"/v1/models/{number}")
    assert len(_read(client)["goldstream_http_requests"].samples) == 1


def test_metrics_can_be_off(open_client):
    client = open_client(metrics=False)
    assert client.post("/predict", json={"text": "a"}).status_code == 200
    assert client.get("/metrics").status_code == 404


def test_a_line_of_json_for_each_request(open_client, capsys):
    open_client(**{"access-log": True}).post("/predict", json={"text": "a"}, headers={"x-request-id": "mine"})
    line = capsys.readouterr().err.splitlines()[-1]
    assert '"path":"/predict","status":200' in line
    assert '"request_id":"mine"' in line


def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_bad_request(running):
    made, port = running()
    with socket.create_connection(port, timeout=30) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{")
        time.sleep(0.1)
    while not made.service.metrics.requests:
        time.sleep(0.01)
    assert dict(made.service.metrics.requests) == {("/predict", "POST", 499): 1}
