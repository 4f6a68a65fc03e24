"""The yearly self-inspection (全面自查): what a district writes and hands in, and the cases that are collected."""
