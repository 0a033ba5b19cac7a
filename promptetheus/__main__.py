"""`python -m promptetheus`: the command line."""

import sys

from promptetheus.cli import main

sys.exit(main())
