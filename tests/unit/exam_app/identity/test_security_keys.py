"""Security keys: where they are given out, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exam_app.identity import security_keys
from exam_app.identity.models import SecurityKey
from exam_app.identity.security_keys import Site, site_of
from training_records.errors import Refused

SITE = Site("academy.example", "https://academy.example")

ANSWER = {
    "id": "a2V5",
    "rawId": "a2V5",
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "attestationObject": "e30"},
}

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://academy.example", SITE),
        ("https://academy.example:8443", Site("academy.example", "https://academy.example:8443")),
        ("http://localhost:8000", Site("localhost", "http://localhost:8000")),
        ("http://academy.example", None),
        ("https://10.1.2.3", None),
        ("http://127.0.0.1:8000", None),
    ],
)
def test_where_browsers_give_out_keys(url, site):
    assert site_of(url) == site


@given(JUNK)
def test_whatever_is_sent_is_no_key(junk):
    """No answer makes the library fall over."""

    class Nothing:
        def get(self, *_):
            return SecurityKey(credential_id="a2V5", account_id=1, public_key="e30", sign_count=0)

    for answer in (junk, {**ANSWER, "response": junk}):
        assert not security_keys.passes(Nothing(), 1, SITE, challenge="e30", answer=answer)
        with pytest.raises(Refused):
            security_keys.make(Nothing(), None, SITE, challenge="e30", answer=answer, name="x")
