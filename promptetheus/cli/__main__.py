"""`python -m promptetheus.cli`: the command line under its older name."""

import sys

from promptetheus.cli import main

sys.exit(main())
