"""Smart AI Router: an AI gateway whose every call is on the books."""

__version__ = "0.1.0"

__all__ = ["__version__"]
