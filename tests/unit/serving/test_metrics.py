import re

from prometheus_client.parser import text_string_to_metric_families

SAMPLE = re.compile(r'[a-z_]+\{(?:[a-z]+="(?:[^"\\]|\\.)*"(?:,(?!\})|(?=\})))*\} [0-9.e+-]+|# (?:HELP|TYPE) .+')


def _numbers(text):
    samples = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {re.sub(r',?worker="[0-9]+"', "", name): float(value) for name, value in samples}


def test_what_was_answered_is_counted(client):
    client.post("/predict", json={"texts": ["the flood comes tonight", "my new phone"]})
    client.post("/predict", content=b"{")
    client.get("/nowhere/at/all")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.text.endswith("\n")
    assert all(SAMPLE.fullmatch(line) for line in answer.text.splitlines())
    found = _numbers(answer.text)
    assert found['goldstream_http_requests_total{route="/predict",method="POST",code="200"}'] == 1
    assert found['goldstream_http_requests_total{route="/predict",method="POST",code="400"}'] == 1
    assert found['goldstream_http_requests_total{route="other",method="GET",code="404"}'] == 1
    assert found['goldstream_predictions_total{model="floods",version="1",label="keep"}'] == 1
    assert found['goldstream_http_request_duration_seconds_bucket{route="/predict",le="+Inf"}'] == 2
    assert found['goldstream_http_request_duration_seconds_count{route="/predict"}'] == 2
    assert found['goldstream_model_loaded_info{model="floods",version="1",alias="champion"}'] == 1


def test_prometheus_reads_the_page(store, registry, served):
    with served().client() as client:
        for text in ("the flood comes tonight", "my new phone"):
            said = client.post("/predict", json={"text": text}).json()
            client.post("/feedback", json={"prediction_id": said["prediction_id"], "label": "keep"})
        page = client.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert families["goldstream_http_request_duration_seconds"].type == "histogram"
    feedback = families["goldstream_feedback"].samples
    assert {(each.labels["version"], each.labels["correct"], each.value) for each in feedback} == {
        ("1", "true", 1),
        ("1", "false", 1),
    }
    requests = families["goldstream_http_requests"].samples
    assert sum(each.value for each in requests if each.labels["route"] == "/predict") == 2


def test_paths_of_clients_own_make_no_series(client):
    for number in range(400):
        client.get(f"/v1/models/{number}")
    assert (
        len([line for line in client.get("/metrics").text.splitlines() if line.startswith("goldstream_http_requests_total")])
        == 1
    )


def test_metrics_can_be_off(open_client):
    client = open_client(metrics=False)
    assert client.post("/predict", json={"text": "a"}).status_code == 200
    assert client.get("/metrics").status_code == 404


def test_a_line_of_json_for_each_request(open_client, capsys):
    open_client(**{"access-log": True}).post("/predict", json={"text": "a"}, headers={"x-request-id": "mine"})
    line = capsys.readouterr().err.splitlines()[-1]
    assert '"path":"/predict","status":200' in line
    assert '"request_id":"mine"' in line
