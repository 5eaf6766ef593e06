"""Wiring: builds every part from the settings and connects them. It knows everyone and decides nothing."""
