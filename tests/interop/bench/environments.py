"""Where the peers live: environments of their own, since they want other versions of what we use ourselves.

What is asked for, with licence and reason, stands in `requirements.in` and `opsdroid.in`. Lock as
docs/operate/install.md says; opsdroid's without `--only-binary`, and with `--no-emit-package opsdroid --no-emit-
package tailer`: these two are published as source, so they stand in `opsdroid-sources.lock` and are built with the
setuptools of the other lock.
"""

from pathlib import Path
from typing import Final

from tests.interop.environment import Environment
from tests.interop.python import HOME

_HERE: Final = Path(__file__).parent
TELEGRAM: Final = Environment(HOME / "bench", _HERE / "requirements.lock")
OPSDROID: Final = Environment(HOME / "opsdroid", _HERE / "opsdroid.lock", _HERE / "opsdroid-sources.lock")
ALL: Final = (TELEGRAM, OPSDROID)
