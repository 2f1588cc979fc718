"""`python -m charter` is the command line."""

from charter.cli import main

if __name__ == "__main__":
    main()
