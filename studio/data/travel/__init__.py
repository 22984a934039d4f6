"""Recordings on their way between programs: what a format cannot hold is known before it is written, and said."""
