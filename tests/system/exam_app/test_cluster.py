"""The cluster on loopback, in its short form: the primary is killed in the midst of an exam."""

from __future__ import annotations

from harness import cluster
from tests.conftest import missing

# A primary that is gone is noticed after `ttl` (20 s) at most; a busy machine takes a little longer to go on.
LONGEST_PAUSE = 40


def test_the_primary_is_killed_in_mid_exam():
    if lacking := cluster.missing_programs():
        missing(f"没有 {'、'.join(lacking)}（Debian 包 patroni、etcd-server、nginx-light）")
    found = cluster.try_cluster(12, 45, lambda text: None)
    assert found.lost == 0 and found.twice == 0
    assert found.handed_in == found.examinees == 12
    assert found.primary != found.killed and found.acknowledged > 100
    assert 1 < found.pause_s < LONGEST_PAUSE
    # Nothing that a phone does not try again by itself.
    assert set(found.errors) <= {"save 503", "save connection", "save 502", "save 504"}
