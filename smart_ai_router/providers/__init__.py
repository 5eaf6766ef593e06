"""Upstream dialects: bytes in, domain values out. No socket; a stream cut at any byte gives the same events."""
