"""Lets ``python -m seq2seq`` stand for the ``seq2seq`` command."""

from seq2seq.cli.app import main

if __name__ == "__main__":
    main()
