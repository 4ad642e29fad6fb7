"""Users for Locust, which loads them from a file."""

from pathlib import Path

LOCUSTFILE = Path(__file__).resolve().parent / "locustfile.py"
