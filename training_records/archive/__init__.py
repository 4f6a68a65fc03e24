"""The training archive (培训档案): append-only entries, one file per person."""
