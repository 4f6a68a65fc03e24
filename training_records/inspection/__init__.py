"""The annual self-inspection (全面自查): each district's report, and the good-practice cases collected."""
