"""Every error that a user can cause, as one tree; the command line prints each as a single line.

    Seq2SeqError            what the command line turns into one line and exit code 2
      RecipeError           the recipe file, or an override of it
      DataError             a corpus, a file of text, or a probe set
        SpanError           a place in a text that no pieces of a tokenizer stand for
      ModelError            a model or tokenizer folder that cannot be built, loaded or decoded
      CheckpointError       a run folder that cannot be resumed
      TrainingError         training that had to stop (loss not finite, world size wrong)
      ScoreError            text that cannot be scored
      DeviceError           a device that this machine does not have
      PublishError          an export or upload that may not leave this machine, or did not

A message has the form ``where: what was found, what was needed; likely cause or next command``:
lower case, the offending value quoted, all problems at once, no final full stop.
"""


class Seq2SeqError(Exception):
    """A mistake that the person at the keyboard can mend; anything else is a fault of ours."""


class RecipeError(Seq2SeqError):
    """A recipe, or an override of one, that cannot be used."""


class DataError(Seq2SeqError):
    """A corpus that cannot be read, or that breaks a promise the recipe makes about it."""


class SpanError(DataError):
    """A place in a text that cannot be pointed at in a tokenizer's pieces."""


class ModelError(Seq2SeqError):
    """A model or tokenizer folder that cannot be built, loaded, saved or decoded."""


class CheckpointError(Seq2SeqError):
    """A run folder that cannot be resumed, or whose checkpoints are damaged."""


class TrainingError(Seq2SeqError):
    """Training that had to stop before its end."""


class ScoreError(Seq2SeqError):
    """Hypotheses and references that cannot be compared."""


class DeviceError(Seq2SeqError):
    """A device that is none, or that this machine does not have."""


class PublishError(Seq2SeqError):
    """An export or upload that is refused, or that could not be finished."""
