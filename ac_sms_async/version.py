"""The version, which servers and traces are told, too."""

__all__ = ["__version__"]

__version__ = "0.1.0"
