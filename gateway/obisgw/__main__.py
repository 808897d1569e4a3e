"""`python -m obisgw` is `obis-gateway`."""

from __future__ import annotations

import sys

from obisgw.cli import main

if __name__ == "__main__":
    sys.exit(main())
