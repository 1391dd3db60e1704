"""What a recipe says of scoring: by which figures, and which of them chooses the checkpoint."""

from pathlib import Path

from seq2seq.languages import language_of
from seq2seq.recipe import Metric, Recipe
from seq2seq.score.measure import ScoreOptions
from seq2seq.score.tokenization import choose_tokenization, has_word_tokenizer


def selection_metric(recipe: Recipe) -> Metric:
    """The dev score that chooses checkpoints: the one that the recipe names, or what fits.

    A score that cannot tell two checkpoints apart chooses at random. So ``auto`` is ROUGE-L for
    summaries; for translations BLEU where the target language has words to compare, and chrF
    where BLEU would compare single characters, unless the recipe brings a tokenizer for them.

    Args:
        recipe: Any recipe; the answer depends on nothing else.
    """
    if recipe.train.select_by != "auto":
        return recipe.train.select_by
    if recipe.task == "summarization":
        return "rougeL"
    own_tokenizer = recipe.score.tokenize is not None or recipe.score.spm is not None
    return "bleu" if own_tokenizer or has_word_tokenizer(recipe.target_language) else "chrf"


def selection_signature(recipe: Recipe) -> str:
    """What must be the same for two dev scores to be comparable: the metric, and BLEU's tokenizer.

    The tokenizer is the one that this machine has: without an extra of this package, Japanese and
    Korean are cut otherwise.

    Returns:
        Such as "chrf" or "bleu|tok:zh".

    Raises:
        ScoreError: The recipe names a tokenizer that cannot be had here.
    """
    metric = selection_metric(recipe)
    if metric != "bleu":
        return metric
    options = _options(recipe, "bleu")
    tokenization = choose_tokenization(
        (), language=options.language, tokenize=options.tokenize, spm=options.spm
    )
    return f"{metric}|tok:{tokenization.metric(lowercase=options.lowercase).tokenizer_signature}"


def validation_options(recipe: Recipe) -> ScoreOptions:
    """How dev translations are scored: without intervals; chrF, which breaks ties, in any case."""
    if recipe.task == "summarization":
        return _options(recipe, "rouge", "chrf", resamples=0)
    if selection_metric(recipe) == "chrf++":
        return _options(recipe, "bleu", "chrf", "chrf++", resamples=0)
    return _options(recipe, "bleu", "chrf", resamples=0)


def final_options(recipe: Recipe) -> ScoreOptions:
    """How the translations of test sets are scored.

    TER is left out where every letter counts as a word: it looks for words that moved, which among
    hundreds of letters takes up to seconds a segment. ``seq2seq score --metric ter`` has it.
    """
    if recipe.task == "summarization":
        return _options(recipe, "rouge")
    metrics = ["bleu", "chrf"]
    if selection_metric(recipe) == "chrf++":
        metrics.append("chrf++")
    if language_of(recipe.target_language).spaced:
        metrics.append("ter")
    return _options(recipe, *metrics, tokenized=recipe.score.tokenized)


def _options(
    recipe: Recipe,
    *metrics: str,
    tokenized: bool = False,
    resamples: int = ScoreOptions.resamples,
) -> ScoreOptions:
    spm = recipe.score.spm
    return ScoreOptions(
        metrics=metrics,
        lowercase=recipe.tokenizer.lowercase,
        tokenized=tokenized,
        language=recipe.target_language,
        tokenize=recipe.score.tokenize,
        spm=None if spm is None else Path(recipe.data.folder) / spm,
        resamples=resamples,
    )
