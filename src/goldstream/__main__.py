"""`python -m goldstream` is `goldstream`."""

from goldstream.cli import main

if __name__ == "__main__":
    main()
