"""Identity numbers need keys."""

from __future__ import annotations

import pytest

from exam_app.config import ConfigError, load_config


def test_it_needs_keys_of_its_own(tmp_path):
    with pytest.raises(ConfigError, match="ACADEMY_FIELD_KEYS"):
        load_config({"ACADEMY_KEEP_IDENTITY": "yes"}, instance=tmp_path)
