"""Where a sentence ends, by the rules of translating; a Space has a copy of these in its place."""

from seq2seq.sentences import sentences_of as sentences_of
