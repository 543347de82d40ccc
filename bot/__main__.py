"""`python3 -m bot`: sets itself up once, then runs.

An old Python must be able to parse this file and report the problem: it uses nothing newer than Python 3.7, and imports
nothing of the program before the check.
"""

import sys

OLDEST = (3, 11)


def main() -> None:
    """Checks the Python, installs missing packages, and runs the command line."""
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:2])
        sys.exit(
            f"Mitsprache braucht Python 3.11 oder neuer, dies ist Python {found}: bitte ein neueres installieren.\n"
            f"Mitsprache needs Python 3.11 or newer, this is Python {found}: please install a newer one."
        )
    from bot.bootstrap import install

    install.run_bootstrap(sys.argv[1:])


if __name__ == "__main__":
    main()
