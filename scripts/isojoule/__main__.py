"""The command `isojoule` as `python -m isojoule`."""

from isojoule.cli.main import main

if __name__ == "__main__":
    main()
