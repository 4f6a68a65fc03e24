"""Long-term operation of an installation: backups and restore drills, moving between engines, retention."""
