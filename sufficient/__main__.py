"""`python -m sufficient` is the command `sufficient`."""

from sufficient.cli.app import main

main()
