"""Measures this project beside other engines. `python3 -m compare --help` says how."""
