"""A suite by its name."""

from pathlib import Path

from seq2seq.evaluate.item import Suite
from seq2seq.evaluate.suites.contracat import read_contracat
from seq2seq.evaluate.suites.contrapro import read_contrapro
from seq2seq.evaluate.suites.contrastive_fr import read_contrastive_fr
from seq2seq.evaluate.suites.ctxpro import read_ctxpro
from seq2seq.evaluate.suites.discevalmt import read_discevalmt
from seq2seq.evaluate.suites.mt_geneval import read_mt_geneval
from seq2seq.evaluate.suites.names import SuiteName
from seq2seq.evaluate.suites.scat import read_scat
from seq2seq.evaluate.suites.winomt import read_winomt


def read_suite(name: SuiteName, path: Path, *, target_language: str | None = None) -> Suite:
    """Read the files of a suite.

    Args:
        name: which suite.
        path: where they lie, as the reader of each suite says.
        target_language: code of the language that the models write; only WinoMT is of no language.

    Raises:
        DataError: its files are not there or not whole.
    """
    match name:
        case "contrapro":
            return read_contrapro(path)
        case "contrastive-fr":
            return read_contrastive_fr(path)
        case "discevalmt":
            return read_discevalmt(path)
        case "contracat":
            return read_contracat(path)
        case "mt-geneval":
            return read_mt_geneval(path)
        case "winomt":
            return read_winomt(path, target_language)
        case "ctxpro":
            return read_ctxpro(path)
        case "scat":
            return read_scat(path)
