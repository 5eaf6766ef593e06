"""Counterparts to test against: an upstream that answers, and that misbehaves on request."""
