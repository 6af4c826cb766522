"""`python -m segue.cli`, where no `segue` is on PATH."""

from segue.cli import main

main()
