"""``python -m tokencraft``: the command line."""

import sys

from tokencraft.cli import main

if __name__ == "__main__":
    sys.exit(main())
