"""`python3 -m tests.interop`: gets what the tests try our channels against, and the compiler that checks our scripts.
`.ci/run` does so before the tests.
"""

from bot.bootstrap.terminal import print_line
from tests.interop import node, python
from tests.interop.bench import environments

if __name__ == "__main__":
    print_line("Gegenüber für die Tests werden geholt …", "Getting the peers of the tests …")
    python.ENVIRONMENT.set_up()
    for environment in environments.ALL:
        environment.set_up()
    for packages in node.ALL:
        packages.set_up()
    print_line("Fertig.", "Done.")
