"""Runs the ``nostro`` command: ``python -m nostro.cli``."""

from nostro.cli.application import application

if __name__ == "__main__":
    application()
