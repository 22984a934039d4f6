"""What a person can do, once, for the window and the command line: generators that yield Progress and return a dict.

The dicts are the results of the command line's `--json`.
"""
