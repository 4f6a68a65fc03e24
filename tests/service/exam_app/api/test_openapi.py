"""The description of the API."""

from __future__ import annotations


def test_openapi_describes_every_endpoint(app):
    document = app.test_client().get("/api/v1/openapi.json").json
    paths = {(p, m) for p, ms in document["paths"].items() for m in ms}
    assert ("/api/v1/attempts/{attempt_id}/answers", "put") in paths
    routes = [
        r
        for r in app.url_map.iter_rules()
        if r.rule.startswith("/api/v1") and r.endpoint != "api.openapi"
    ]
    assert len(paths) == len(routes)
    text = str(document)
    assert all(
        f"#/components/schemas/{name}" in text for name in ("CoverageOut", "StartOut", "Problem")
    )
