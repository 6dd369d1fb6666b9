"""``python -m diascope``."""

from diascope.cli import main

if __name__ == "__main__":
    main()
