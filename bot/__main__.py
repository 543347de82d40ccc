"""`python3 -m bot`: sets itself up once, then runs.

An old Python must be able to read this file to the end and say what is wrong: nothing newer than Python 3.7 here,
and nothing of ours is imported before the check.
"""

import sys

OLDEST = (3, 11)


def main() -> None:
    """Check the Python, see to it that all packages are there, hand over to the command line."""
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
