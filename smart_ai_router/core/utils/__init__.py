"""A closed room: the guide's two files, `usage_tracker.py` and `channel_monitor.py`, and nothing else."""
