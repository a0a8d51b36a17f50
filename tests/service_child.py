"""`python -m tests.service_child BACKEND serve …`: the real command, with another backend in its worker."""

from __future__ import annotations

import sys

from engine.__main__ import main
from engine.local import LocalEngine

if __name__ == "__main__":
    defaults = LocalEngine.__init__.__kwdefaults__
    assert defaults is not None
    defaults["backend"] = sys.argv.pop(1)
    main()
