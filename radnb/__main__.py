"""`python -m radnb` is the same as `radnb`."""

from radnb.cli import main

if __name__ == "__main__":
    main()
