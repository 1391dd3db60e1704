"""A model that people try: what it writes of a text, and what it attends to meanwhile.

The same weights translate (as ``translate --engine transformers`` does) and show their attention
(as ``attention`` does), so what is seen is of the very pieces that stand above it as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from seq2seq.decode.lengths import DEFAULT_BATCH_TOKENS, Ids
from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.engines.engine import Progress
from seq2seq.engines.stock import StockEngine
from seq2seq.errors import DataError, ModelError
from seq2seq.language_tags import language_codes
from seq2seq.normalization import normalize
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.attention_page import known_languages, show_text
from seq2seq.run import Run
from seq2seq.sentences import join_parts, sentences_of
from seq2seq.tokenizer_like import as_read
from seq2seq.translate import Translator
from seq2seq.translated import Report, Translation
from seq2seq.viewer.content import AttentionPage

Languages = tuple[str | None, str | None]
PRONOUN_EXAMPLES = (
    "The robot picked up the wrench because it was heavy.",
    "The robot picked up the wrench because it was curious.",
)
"""For models of the built-in corpus: the last word decides who "it" is."""


@dataclass(frozen=True)
class Answer:
    """What a model made of a text.

    Attributes:
        translation: What it writes; of a summarization model, the summary.
        remarks: What of this is not plain, such as pieces that the model does not know.
        attention: The page of its attention, one example for each sentence that was read alone.
    """

    translation: str
    remarks: tuple[str, ...]
    attention: AttentionPage


class _RememberingEngine(StockEngine):
    """Keeps what it wrote last.

    Attributes:
        last: The pieces of the best output for each source.
    """

    last: Sequence[Ids] = ()

    def search(
        self,
        sources: Sequence[Ids],
        options: DecodeOptions,
        *,
        prefixes: Sequence[Ids] | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Progress | None = None,
    ) -> list[list[Hypothesis]]:
        """Find the best targets for each source, as every engine does."""
        found = super().search(
            sources, options, prefixes=prefixes, batch_tokens=batch_tokens, progress=progress
        )
        self.last = [beams[0].ids for beams in found]
        return found


class TriedModel:
    """An encoder-decoder model with its tokenizer.

    Attributes:
        name: What the user called it.
        translator: Writes.
        tags: BCP 47 tags of what it reads and writes; empty where nothing says.
        examples: Texts that suit it; none where nobody knows.
    """

    def __init__(
        self,
        opened: StockModel,
        engine: _RememberingEngine,
        translator: Translator,
        told: Languages,
    ):
        self.name = opened.name
        self.translator = translator
        self.tags = known_languages(opened, told)
        self.examples = _examples(Run(Path(opened.name)))
        self._opened, self._engine, self._told = opened, engine, told

    @classmethod
    def load(cls, where: str, *, languages: Languages = (None, None), device: str = "auto") -> Self:
        """Open a run folder, a stock model folder, or a model of the Hub.

        Args:
            where: As in `seq2seq.model_location`.
            languages: Codes of text and translation for a model of many languages, or of many
                tasks; others have no use for them.
            device: Where it computes, as in `seq2seq.devices`.

        Raises:
            ModelError: There is no such model, it writes nothing, or a language is missing or not
                known to it.
            DeviceError: There is no such device.
        """
        opened = StockModel.load(where, device=device)
        if opened.kind != "encoder-decoder":
            raise ModelError(
                f"{where}: of kind '{opened.kind}', needed an encoder-decoder, which writes; "
                "'seq2seq attention' shows what it attends to"
            )
        told = languages if language_codes(opened.tokenizer) else (None, None)
        engine, run = _RememberingEngine(opened.model), Run(Path(where))
        translator = Translator.load(
            where,
            engine=engine,
            source_language=languages[0],
            target_language=languages[1],
            work=run.read_recipe().task if run.recipe.is_file() else "translation",
        )
        return cls(opened, engine, translator, told)

    def answer(self, text: str) -> Answer:
        """Translate a text and show all attention.

        A model of single sentences reads each sentence by itself, and so does one that wrote fewer
        sentences when it read them as a whole; a line break is a space.

        Raises:
            DataError: The text is empty, or longer than the model can read.
        """
        text = " ".join(text.split())
        apart = sentences_of(text, language=self.translator.languages[0])
        apart = [one.strip() for one in apart if normalize(one).strip()]
        if not apart:
            raise DataError("text: empty, needed at least one word")
        sentences = apart if self.translator.trained == "sentences" else [text]
        translations = self._translate(sentences)
        if sentences != apart and any(one.fewer_sentences for one in translations):
            sentences = apart
            translations = self._translate(sentences)
        shown = zip(sentences, self._engine.last, strict=True)
        return Answer(
            join_parts([one.text for one in translations], language=self.translator.languages[1]),
            (*self.translator.remarks, *Report.of(translations).remarks()),
            _joined([self._show(*pair) for pair in shown]),
        )

    def _translate(self, sentences: Sequence[str]) -> list[Translation]:
        self._refuse_long(sentences)
        return self.translator.translate(sentences, split="long", long="refuse")

    def _refuse_long(self, sentences: Sequence[str]) -> None:
        most = self.translator.most_source_pieces(None)
        longest = max(map(len, self.translator.tokenizer.encode(sentences)))
        if longest > most:
            raise DataError(
                f"text: {longest} pieces at once, needed at most {most}, which {self.name} reads; "
                "give it part by part"
            )

    def _show(self, sentence: str, written: Ids) -> AttentionPage:
        """The attention of one reading, with what the model is told in front of the text."""
        read = as_read(self.translator.tokenizer, normalize(sentence))
        return show_text(self._opened, read, target=written, languages=self._told)


def _joined(pages: list[AttentionPage]) -> AttentionPage:
    """One page with the examples of all, each note once."""
    notes = dict.fromkeys(note for page in pages for note in page.notes)
    examples = tuple(example for page in pages for example in page.examples)
    return replace(pages[0], examples=examples, notes=tuple(notes))


def _examples(run: Run) -> tuple[str, ...]:
    built_in = run.recipe.is_file() and run.read_recipe().data.built_in == "pronouns"
    return PRONOUN_EXAMPLES if built_in else ()
