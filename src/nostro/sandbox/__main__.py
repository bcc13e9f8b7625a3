"""``python -m nostro.sandbox``."""

from nostro.sandbox.server import main

if __name__ == "__main__":
    main()
