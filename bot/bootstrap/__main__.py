"""`python3 -m bot.bootstrap dev`: sets up all packages; prints the Python to use, for scripts."""

import sys

from bot.bootstrap.install import prepare_or_exit

if __name__ == "__main__":
    print(prepare_or_exit(sys.argv[1] if len(sys.argv) > 1 else "run"))
