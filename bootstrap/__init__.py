"""How a checkout gets from a bare Python to running: environment, console build, checks. Standard library only.

Nothing here is part of the installed package. `main.py` and `test.py` are its two doors; `python -m bootstrap` lists
the rest.
"""
