"""The recipe: every choice that shapes a model, in one typed and frozen schema.

A recipe file is TOML and holds only what differs from the defaults below. The field is the only
place of a default, and the sentence under it the only place of its explanation: ``seq2seq recipe
explain`` and the documentation are printed from here. TOML, not YAML, because YAML reads the
language code ``no`` as false and ``5e-4`` as text.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from seq2seq.families import FAMILIES, Family
from seq2seq.file_names import file_name_problems
from seq2seq.similar_names import suggest

StockFamily = Literal["t5", "mt5", "bart", "mbart", "pegasus", "led"]
Metric = Literal["bleu", "chrf", "chrf++", "rouge1", "rouge2", "rougeL", "rougeLsum"]
# Sections that do nothing until one of these keys is above 0.
SWITCHES = {
    "data.context": ("source_sentences", "target_sentences"),
    "data.copying": ("share",),
    "train.lora": ("rank",),
    "train.guided_attention": ("weight",),
    "train.guided_copy": ("weight",),
    "train.bottleneck": ("share",),
}


class Section(BaseModel):
    """What all parts of a recipe share: frozen, no unknown keys, docstrings as explanations."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class CorpusSpec(Section):
    """One corpus: a Hub dataset, a pair of text files, or one file of columns."""

    hub: str | None = None
    """Name of a dataset on the Hugging Face Hub, such as `bentrevett/multi30k`."""
    config: str | None = None
    """Configuration of the Hub dataset, where it has several."""
    revision: str | None = None
    """Commit or tag of the Hub dataset; give one for results that stay reproducible."""
    split: str = "train"
    """Split of the Hub dataset."""
    streaming: bool = False
    """Read the Hub dataset as it arrives instead of storing it first; with `max_rows` no more than
    these is fetched."""
    source: str | None = None
    """Text file of source segments, one a line; plain, .gz or .zst."""
    target: str | None = None
    """Text file of target segments, line by line beside `source`."""
    file: str | None = None
    """One file with a column for each side: .tsv, .csv, .jsonl, .json (plain, .gz or .zst) or
    .parquet; or of translators, .tmx, .xlf and .xliff, plain or packed. A .csv may have commas, or
    semicolons or tabs between the names in its first line; a JSON file holds one object a line, or
    one array of objects; inline tags of TMX and XLIFF are left out and counted."""
    source_field: str = "source"
    """Column of the source: a name, a dotted path such as `translation.en`, or for a TSV file
    without a header the column's number, counted from 1. For TMX its language code (`en` also takes
    `en-GB`); for XLIFF that or nothing."""
    target_field: str = "target"
    """Column of the target, named like `source_field`."""
    quoted: bool = False
    """The .tsv file quotes fields as CSV does, as pandas and Excel write it; otherwise a quote in
    it is a character like others."""
    weight: float = Field(1.0, gt=0)
    """How often each pair is seen in an epoch: 2 is twice, 0.5 a different half each epoch."""
    max_rows: int | None = Field(None, gt=0)
    """Read only this many pairs from the start; how many that leaves out is not known or said."""
    document_field: str | None = None
    """Column that names the document a pair belongs to; pairs of a document stand together, in
    order. What `data.context` counts back in."""
    blank_lines_end_documents: bool = False
    """Sentences stand in the order of their documents, and where both sides of a line are blank,
    one document ends; such lines are no pairs."""
    source_context_field: str | None = None
    """Column of the text before each source, which is cut into its sentences."""
    target_context_field: str | None = None
    """Column of the text before each target."""
    license: str | None = None
    """Licence of the data, for the model card."""
    pronoun_items: bool = False
    """The file holds pronoun items of the built-in corpus: also score the gender they show; in
    training, what `train.guided_attention` and `train.bottleneck` point at."""

    @model_validator(mode="after")
    def _one_place(self) -> "CorpusSpec":
        pair = self.source is not None or self.target is not None
        if (self.source is None) != (self.target is None):
            raise ValueError("a pair of text files needs both 'source' and 'target'")
        if sum([self.hub is not None, pair, self.file is not None]) != 1:
            raise ValueError("needs exactly one of 'hub', 'source' with 'target', or 'file'")
        if self.streaming and self.hub is None:
            raise ValueError("'streaming' is for a dataset on the Hub; files are read as they are")
        if self.quoted and not re.search(r"\.tsv(\.gz|\.zst)?$", (self.file or "").lower()):
            raise ValueError("'quoted' is for a .tsv file; a .csv is always read so")
        if self.pronoun_items and self.file is None:
            raise ValueError("'pronoun_items' needs 'file', a .jsonl of the built-in corpus")
        return self

    @model_validator(mode="after")
    def _one_kind_of_document(self) -> "CorpusSpec":
        given = {
            "document_field": self.document_field is not None,
            "blank_lines_end_documents": self.blank_lines_end_documents,
            "source_context_field": self.source_context_field is not None,
        }
        found = [f"'{name}'" for name, is_given in given.items() if is_given]
        if len(found) > 1:
            raise ValueError(f"{' and '.join(found)} say where context is, needed one of them")
        if self.target_context_field is not None and self.source_context_field is None:
            raise ValueError("'target_context_field' needs 'source_context_field' beside it")
        if self.source is not None and found not in ([], ["'blank_lines_end_documents'"]):
            raise ValueError(f"{found[0]} names a column, a pair of text files has none")
        return self

    @property
    def has_context(self) -> bool:
        """Whether it tells what stands before a sentence."""
        return (
            self.document_field is not None
            or self.blank_lines_end_documents
            or self.source_context_field is not None
        )

    @property
    def name(self) -> str:
        """What messages call this corpus."""
        if self.hub is not None:
            return f"{self.hub}:{self.split}"
        return self.file or f"{self.source} + {self.target}"


class CleaningSpec(Section):
    """What happens to doubtful training pairs; every kind is counted and reported."""

    empty: Literal["drop", "refuse"] = "drop"
    """A pair with an empty side."""
    long: Literal["drop", "truncate", "refuse"] = "drop"
    """A pair with more pieces on a side than `max_source_pieces` or `max_target_pieces`; one with
    over 32 characters for each of these pieces does not reach the vocabulary either. Where `task`
    is `summarization` the default is `truncate`, as such documents are then read."""
    ratio: Literal["keep", "drop", "refuse"] = "keep"
    """A pair whose sides differ in length by more than `max_length_ratio`."""
    duplicates: Literal["keep", "drop", "refuse"] = "keep"
    """A pair that stood in the training data before, letter by letter."""
    overlap: Literal["keep", "drop", "refuse"] = "drop"
    """A training pair that also stands in the dev or a test set (both sides equal after case and
    white space are folded). Matches of one side alone are counted, never dropped."""
    max_source_pieces: int = Field(256, gt=1)
    """Most pieces on the source side, the end-of-sentence piece included."""
    max_target_pieces: int = Field(256, gt=1)
    """Most pieces on the target side, the end-of-sentence piece included."""
    max_length_ratio: float = Field(4.0, gt=1)
    """Largest ratio between the lengths of the two sides, where the longer is over 20. A length is
    counted in letters: a Chinese character as 3, a character that writes a syllable, as in Japanese
    kana, Korean or Amharic, as 2, any other as 1."""


class CopyingSpec(Section):
    """Teach the model to copy names, addresses, placeholders and emoji that it never saw."""

    share: float = Field(0.0, ge=0, le=1)
    """Extra training pairs an epoch, as a share of the real ones: real pairs in which source and
    target hold the same made-up text, drawn anew in each epoch; 0 is off, 0.1 to 0.2 is enough.
    They are reported, never enter dev or test sets, and the vocabulary is made without them."""


class ContextSpec(Section):
    """Read the sentences before the one to be translated too: who "it" is often stands there.

    Each corpus says which sentences follow one another (`document_field`,
    `blank_lines_end_documents`, `source_context_field`); one that does not has no context. Source
    and target are then context and sentence, with a separator behind each sentence of the context;
    what does not fit into `data.cleaning.max_source_pieces` or `max_target_pieces` is cut from the
    oldest end of the context, never from the sentence, and counted.
    """

    source_sentences: int = Field(0, ge=0)
    """Sentences before each source; with 0 here and below it is a model of single sentences."""
    target_sentences: int = Field(0, ge=0)
    """Sentences before each target. The model translates a document sentence after sentence, and is
    given what it has written so far; validation gives it the references before each sentence."""
    alone_share: float = Field(0.1, ge=0, lt=1)
    """Share of the pairs, others in each epoch, that are shown without their context, so that the
    model can also translate a sentence that stands alone."""
    separator: str = Field("|||", min_length=1)
    """Text that separates sentences where the tokenizer of `init` has no piece for it. A vocabulary
    of our own gets a piece, `<sep>`, that no text can spell."""

    @property
    def used(self) -> bool:
        """Whether there is any."""
        return self.source_sentences > 0 or self.target_sentences > 0


class DataSpec(Section):
    """Where the text comes from and how it is cleaned."""

    folder: str = "."
    """Folder that the paths of all corpora are relative to; itself relative to where you stand."""
    built_in: Literal["pronouns"] | None = None
    """A corpus that comes with this program, made in `folder` before training if nothing of it is
    there; `pronouns` is what `seq2seq corpus pronouns` writes for `target_language`."""
    train: tuple[CorpusSpec, ...] = Field(min_length=1)
    """Training corpora."""
    dev: CorpusSpec
    """Held-out pairs that choose the checkpoint; never trained on."""
    test: Mapping[str, CorpusSpec] = Field(default_factory=dict)
    """Named test sets, translated and scored once at the end, never used to choose anything; each
    name becomes that of a file."""
    context: ContextSpec = ContextSpec()
    cleaning: CleaningSpec = CleaningSpec()
    copying: CopyingSpec = CopyingSpec()
    cache: str | None = "auto"
    """Folder where encoded corpora, and large ones as text after cleaning, are kept under a hash of
    their content, so that a second start is instant; safe to delete. `auto` is `~/.cache/seq2seq`,
    or the folder that `SEQ2SEQ_CACHE` names."""

    @field_validator("test")
    @classmethod
    def _names_of_files(cls, test: Mapping[str, CorpusSpec]) -> Mapping[str, CorpusSpec]:
        if problems := file_name_problems(list(test)):
            raise ValueError(f"a name that becomes a file's {'; '.join(problems)}; rename it")
        return test


class TokenizerSpec(Section):
    """The joint vocabulary of both languages."""

    kind: Literal["unigram", "bpe"] = "unigram"
    """Unigram language model (Kudo 2018) or byte-pair encoding (Sennrich et al. 2016)."""
    vocab_size: int = Field(8000, ge=32)
    """Pieces in the vocabulary, special pieces included, those of `byte_fallback` not."""
    character_coverage: float = Field(1.0, gt=0.9, le=1)
    """Share of the training text's characters that the vocabulary must hold; the rarest ones beyond
    it are spelt in bytes, or unknown without `byte_fallback`."""
    byte_fallback: bool = True
    """Spell characters that the vocabulary lacks in the bytes of UTF-8, so that names, emoji and
    foreign scripts can be read and written; adds 256 pieces to `vocab_size`."""
    lowercase: bool = False
    """Fold all text to lower case; stored in the tokenizer itself."""
    sampling_alpha: float = Field(0.0, ge=0)
    """Subword regularization for `unigram`: segmentations are drawn with probability to the power
    of this; 0 is off, 0.1 to 0.5 usual."""
    sampling_best: int = Field(32, ge=2)
    """How many segmentations of a word may be drawn."""
    bpe_dropout: float = Field(0.0, ge=0, lt=1)
    """Subword regularization for `bpe`: the share of merges left out (Provilkov et al. 2020)."""

    @model_validator(mode="after")
    def _sampling_fits_kind(self) -> "TokenizerSpec":
        if self.kind == "bpe" and self.sampling_alpha:
            raise ValueError("'sampling_alpha' is for kind 'unigram'; use 'bpe_dropout'")
        if self.kind == "unigram" and self.bpe_dropout:
            raise ValueError("'bpe_dropout' is for kind 'bpe'; use 'sampling_alpha'")
        return self


class ModelSpec(Section):
    """The shape of the Transformer, saved in a stock Hugging Face format."""

    family: Literal[Family, StockFamily] = "m2m_100"
    """`m2m_100` normalises before each block (trains without care), `marian` after it; both are
    trained by our own code. The others are classes of transformers: slower, but what their
    pretrained models are."""
    width: int = Field(512, ge=8)
    """Width of every hidden state (d_model)."""
    ffn_width: int = Field(2048, ge=8)
    """Inner width of the feed-forward blocks."""
    heads: int = Field(8, ge=1)
    """Attention heads of every layer; must divide `width`."""
    encoder_layers: int = Field(6, ge=1)
    """Layers of the encoder."""
    decoder_layers: int = Field(6, ge=1)
    """Layers of the decoder; fewer make translation faster at little cost."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout after the embeddings and on the output of every block."""
    attention_dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout on attention weights."""
    activation_dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout inside the feed-forward blocks."""
    activation: Literal["relu", "gelu", "swish", "gated-gelu"] = "relu"
    """Activation of the feed-forward blocks; `gated-gelu` is for `t5` and `mt5`."""
    scale_embedding: bool = True
    """Multiply embeddings by the square root of `width`."""
    max_positions: int = Field(512, ge=16)
    """Longest source or target, in pieces, that the exported model accepts."""
    attention_window: int = Field(512, ge=2, multiple_of=2)
    """For `led`: pieces around each source piece that it sees, half of them on either side."""

    @property
    def is_native(self) -> bool:
        """Whether our own code trains it, rather than the class of transformers."""
        return self.family in FAMILIES

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "ModelSpec":
        if self.width % self.heads or self.width % 2:
            raise ValueError(
                f"'width' = {self.width} must be even and a multiple of 'heads' = {self.heads}"
            )
        if self.activation == "gated-gelu" and self.family not in ("t5", "mt5"):
            raise ValueError(f"'activation' = 'gated-gelu' is for t5 and mt5, not {self.family}")
        return self


class GuidedAttentionSpec(Section):
    """Teach attention of the encoder to link a word to the noun that "it" means."""

    weight: float = Field(0.0, ge=0)
    """Weight of -log(attention on the antecedent), a mean over the sentences of an update that
    have one; 0 is off, 1 is enough."""
    row: Literal["pronoun", "cue"] = "pronoun"
    """The word that is to attend: "it", or the cue that tells what it means."""
    layer: int = Field(0, ge=0)
    """Layer of the encoder, counted from 0."""
    head: int | None = Field(None, ge=0)
    """Head of that layer, counted from 0; without it the mean of all its heads is guided."""
    schedule: Literal["constant", "linear"] = "constant"
    """Keep the weight from `start` to `end`, or let it fall linearly to 0 there."""
    start: float = Field(0.0, ge=0, lt=1)
    """Share of `steps` before which nothing is guided."""
    end: float = Field(1.0, gt=0, le=1)
    """Share of `steps` after which nothing is guided."""

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> "GuidedAttentionSpec":
        if self.start >= self.end:
            raise ValueError(f"'start' = {self.start} must be less than 'end' = {self.end}")
        return self


class GuidedCopySpec(Section):
    """Teach a head of the decoder to find what a target takes from its source, as summaries do."""

    weight: float = Field(0.0, ge=0)
    """Weight of -log(attention on the places a target piece was taken from), summed over the
    pieces of every stretch that source and target share; 0 is off."""
    layer: int = Field(0, ge=0)
    """Layer of the decoder, counted from 0."""
    head: int = Field(0, ge=0)
    """Head of that layer's cross-attention, counted from 0."""


class BottleneckSpec(Section):
    """Make the model write the antecedent where we look for it, by hiding all other places.

    The piece of the target that shows what "it" means is then predicted with sight of a few source
    words only. `encoder` and `decoder` close the ways around.
    """

    share: float = Field(0.0, ge=0, le=1)
    """Share of the micro-batches in which this happens; 0 is off; below 1 the model
    also learns from seeing everything, as it does when it translates."""
    visible: tuple[Literal["pronoun", "cue"], ...] = Field(("pronoun",), min_length=1)
    """Source words that stay in sight: "it" where the target's pronoun has a gender (German,
    French), also the cue where its ending has (Spanish)."""
    encoder: bool = False
    """Also in the encoder: there only "it" sees the nouns that it may mean, and the nouns see
    neither each other nor its clause, so that no other word can tell which one fits."""
    decoder: bool = False
    """Also in the decoder: from its second layer on, the piece does not read the earlier pieces
    of the target, which have seen the whole source by then."""


class LoraSpec(Section):
    """Train small matrices beside those of a pretrained model, which stay as they are.

    Needs the extra `lora` (peft). `best/` has them added to its own, `best/adapter` holds them
    alone, as peft loads them. So do checkpoints: a resumed run needs the same `init` again.
    """

    rank: int = Field(0, ge=0)
    """Columns of the small matrices; 0 is off, 8 to 64 usual (Hu et al. 2021)."""
    alpha: int = Field(16, ge=1)
    """What their product is multiplied by, divided by `rank`."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout before them."""
    targets: Literal["attention", "all"] = "attention"
    """What gets them: queries and values of all attentions, or every matrix of the layers."""


class NewLanguageSpec(Section):
    """Give the model of `init`, NLLB, M2M100 or mBART-50, a tag for a language it has none for."""

    code: str = Field(min_length=2)
    """The tag, spelt like those of the model, as is `target_tag` (or, for NLLB, `source_tag`)."""
    like: str | None = None
    """A related language, whose embedding the tag begins with; else the mean of all of them."""


class TrainSpec(Section):
    """The training loop."""

    steps: int = Field(10_000, ge=1)
    """Optimizer updates of the whole run; the learning-rate schedule ends there."""
    batch_tokens: int = Field(4096, ge=16)
    """Tokens of a micro-batch on its longer side, padding included; bounds memory."""
    accumulate: int = Field(1, ge=1)
    """Micro-batches in an update; the loss is divided by the target tokens of all of them."""
    peak_lr: float = Field(7e-4, gt=0)
    """Highest learning rate."""
    warmup_steps: int = Field(4000, ge=0)
    """Updates over which the learning rate rises linearly from 0. Where the schedule has no room
    for it, or the default is more than half of `steps`, a fifth of `steps` is taken, and said."""
    schedule: Literal["inverse_sqrt", "cosine", "linear"] = "inverse_sqrt"
    """How the rate falls after the warm-up: with the root of the step, along a cosine to 0 at
    `steps`, or not until the last `decay_share` of the run and then linearly to 0."""
    decay_share: float = Field(0.4, gt=0, le=1)
    """For schedule `linear`: the share of `steps` over which the rate falls; 1 is all that the
    warm-up leaves."""
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Probability spread over the other pieces (never the padding piece)."""
    context_discount: float = Field(0.0, ge=0, le=1)
    """What the loss of a piece in the target's context counts, beside 1 for those of the sentence
    itself (Lupo et al. 2022); 0 does not score them, as they are given when the model translates.
    Needs `data.context.target_sentences`."""
    rdrop_weight: float = Field(0.0, ge=0)
    """Weight of R-Drop: two forward passes with other dropout must agree (Wu et al. 2021)."""
    clip_norm: float = Field(1.0, ge=0)
    """Largest norm of the gradient; 0 is off."""
    weight_decay: float = Field(0.0, ge=0)
    """Decoupled weight decay of matrices; norms and biases are exempt."""
    adam_beta2: float = Field(0.98, gt=0, lt=1)
    """Decay of Adam's second moment; the first is 0.9."""
    precision: Literal["auto", "fp32", "tf32", "bf16", "fp16"] = "auto"
    """Number format of the forward pass; `auto` measures a few updates in fp32 and bf16 and takes
    bf16 where it is clearly faster. `tf32` and `fp16` are for GPUs: products rounded to 10 bits,
    and 16 bits with a loss scale, which `auto` tries on GPUs that have no bf16."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass: less memory, more time."""
    compile: bool = False
    """Let `torch.compile` write kernels for the layers of both stacks, for training alone: the
    first updates take minutes, the others less time on a GPU. Needs a C++ compiler, on a GPU
    Triton. Numbers are rounded otherwise than without it, and a resumed run, whose kernels are
    written for other batches first, may end with other roundings than an uninterrupted one."""
    validate_every_steps: int = Field(500, ge=1)
    """Updates between validations: the dev set is translated by beam search and scored."""
    select_by: Literal[Metric, "auto"] = "auto"
    """Dev score that chooses checkpoints and stops the run. `auto` is `rougeL` for summaries, and
    for translations `bleu`, but `chrf` where the target language has no spaces and no tokenizer
    for words, such as Thai. Where two are equal to two decimals
    chrF decides, then the dev loss, then the later one wins."""
    validation_beams: int = Field(5, ge=1)
    """Beams of the validation's search; 1 is greedy."""
    patience: int = Field(0, ge=0)
    """Validations without a better score after which the run stops; 0 is never."""
    keep_best: int = Field(5, ge=1)
    """Best checkpoints kept; their average is the final model where it wins on dev."""
    save_every_steps: int = Field(500, ge=1)
    """Updates between checkpoints that a run resumes from."""
    keep_last: int = Field(2, ge=2)
    """Checkpoints for resuming kept; two, so that a damaged one has a predecessor."""
    log_every_steps: int = Field(50, ge=1)
    """Updates between lines of `metrics.jsonl`."""
    max_skipped_updates: int = Field(20, ge=0)
    """Updates with a loss or gradient that is not finite are skipped; more than this many stop
    the run."""
    freeze: tuple[Literal["encoder", "decoder", "embeddings"], ...] = ()
    """Parts of the model of `init` that keep their weights; `embeddings` are the matrices of
    source, target and output."""
    processes: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Processes that train side by side. With `auto` they share out the pairs of each micro-batch,
    so that an update is the same on every machine but for dropout, which each process draws for
    itself; on CPUs a trial of a few updates finds their number, at most 8, and their threads. A run
    of fewer than 300 updates, of more than 50 million weights, of `init` or on a GPU takes one
    process and all threads instead. `OMP_NUM_THREADS` bounds the threads of all. A resumed run
    keeps what it began with. Given as a number, each process takes `accumulate` micro-batches of
    its own, as if that were so many times larger, and a share of the threads (or
    `OMP_NUM_THREADS`); a launcher such as torchrun that starts another number is refused."""
    fsdp: bool = False
    """Shard weights, gradients and optimizer state over the processes (FSDP2), for models that do
    not fit on each device beside Adam's state; needs several processes. Ranks save their parts,
    the best weights are saved whole, and validation gathers the weights alone on each device."""
    trackers: tuple[Literal["tensorboard", "wandb", "trackio", "mlflow"], ...] = ()
    """Accelerate trackers that metrics are also sent to."""
    lora: LoraSpec = LoraSpec()
    guided_attention: GuidedAttentionSpec = GuidedAttentionSpec()
    guided_copy: GuidedCopySpec = GuidedCopySpec()
    bottleneck: BottleneckSpec = BottleneckSpec()

    @field_validator("processes", mode="before")
    @classmethod
    def _chosen_by_default(cls, processes: object) -> object:
        return "auto" if processes is None else processes  # as runs of earlier versions say it

    @property
    def longest_warmup(self) -> int:
        """Most updates of warm-up that leave the schedule behind it whole."""
        if self.schedule == "linear" and self.decay_share < 1:
            return self.steps - math.ceil(self.decay_share * self.steps - 1e-9)
        return self.steps - 1

    @property
    def points_at_words(self) -> bool:
        """Whether training needs to know where pronoun, cue and antecedent stand."""
        return self.guided_attention.weight > 0 or self.bottleneck.share > 0


class DecodeSpec(Section):
    """How test sets are translated, and the defaults written beside the model."""

    beams: int = Field(5, ge=1)
    """Beams of the search; 1 is greedy."""
    length_penalty: float = 1.0
    """Exponent of the length that a hypothesis' log-probability is divided by."""
    max_length_factor: float = Field(2.0, gt=0)
    """A hypothesis may have this many pieces for each source piece …"""
    max_length_extra: int = Field(20, ge=1)
    """… and this many more."""
    no_repeat_ngram: int = Field(0, ge=0)
    """No n-gram of this length occurs twice in a hypothesis; 0 is off."""


class ScoreSpec(Section):
    """How dev and test translations are scored."""

    tokenized: bool = False
    """Beside sacreBLEU, also BLEU on Moses-tokenised text as older papers print it, under its own
    signature."""
    tokenized_references: Mapping[str, str] = Field(default_factory=dict)
    """For a test set's name, a file of its references already tokenised and lower-cased, used for
    that protocol instead of the raw ones."""
    tokenize: Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"] | None = None
    """sacrebleu's tokenizer for BLEU; without it the one that fits the target language."""
    spm: str | None = None
    """SentencePiece model that cuts text for BLEU, such as the one of FLORES-200 for spBLEU; a file
    in `data.folder`, never fetched from the network."""


class Recipe(Section):
    """A whole recipe."""

    task: Literal["translation", "summarization"] = "translation"
    """What the pairs are: a text and its translation, or a document and its summary."""
    source_language: str = Field(min_length=2)
    """Language code of the source, such as `en`."""
    target_language: str = Field(min_length=2)
    """Language code of the target; for summarization the same as the source's."""
    preset: Literal["auto", "none"] = "none"
    """`auto` chooses vocabulary, size, dropout and batch from the number of training pairs and
    their characters, and the length of the run from their pieces; every key that the recipe gives
    itself stays as given."""
    init: str | None = None
    """Model to train further, with its own tokenizer: a run, a folder in the stock format of
    `m2m_100` (NLLB too), `marian` (opus-mt), `t5`, `mt5`, `bart`, `mbart` (mBART-50), `pegasus` or
    `led`, or the name of such a model on the Hub. Its shape and vocabulary stand for those of
    `model` and `tokenizer`; dropout may be given anew."""
    source_tag: str | None = None
    """What the tokenizer of `init` calls the source language where that is not `source_language`,
    such as `eng_Latn` for NLLB."""
    target_tag: str | None = None
    """What it calls the target language."""
    new_language: NewLanguageSpec | None = None
    source_prefix: str | None = None
    """Words before every source that does not have them, from training to the published model, such
    as `summarize: ` for T5. Without the key those in `init`'s config.json; `""` is none."""
    seed: int = Field(1, ge=0)
    """Seed of everything random: initial weights, dropout, order of the data."""
    data: DataSpec
    tokenizer: TokenizerSpec = TokenizerSpec()
    model: ModelSpec = ModelSpec()
    train: TrainSpec = TrainSpec()
    decode: DecodeSpec = DecodeSpec()
    score: ScoreSpec = ScoreSpec()

    @model_validator(mode="before")
    @classmethod
    def _documents_are_cut(cls, content: Any) -> Any:
        """Cut what is too long for summaries, as `summarize` does: their documents often are."""
        match content:
            case {"task": "summarization", "data": {**data}}:
                cleaning = data.get("cleaning", {})
                if isinstance(cleaning, dict):
                    return content | {"data": data | {"cleaning": {"long": "truncate"} | cleaning}}
        return content

    @model_validator(mode="after")
    def _parts_fit(self) -> "Recipe":
        problems = list(self._misfits())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _misfits(self) -> Iterator[str]:
        """What each section allows and the others do not."""
        summaries, metric = self.task == "summarization", self.train.select_by
        if metric != "auto" and summaries != metric.startswith("rouge"):
            wanted = "rouge1, rouge2, rougeL or rougeLsum" if summaries else "bleu, chrf or chrf++"
            yield f"train.select_by = '{metric}' does not suit task '{self.task}', needed {wanted}"
        for name in set(self.score.tokenized_references) - set(self.data.test):
            yield f"score.tokenized_references names '{name}'{suggest(name, list(self.data.test))}"
        for name, spec in self.data.test.items():
            if spec.pronoun_items and spec.max_rows is not None:
                yield f"data.test.{name}: pronoun items are scored whole, 'max_rows' cuts them"
        yield from self._idle_sections()
        yield from self._missing_context()
        yield from self._pointers_that_miss()
        yield from self._guides_of_other_models()
        yield from self._not_sharded() if self.train.fsdp else ()
        yield from self._not_compiled() if self.train.compile else ()
        yield from self._idle_starts()
        if not self._shape_is_known("max_positions"):
            return
        for side in ("max_source_pieces", "max_target_pieces"):
            pieces, longest = getattr(self.data.cleaning, side), self.model.max_positions
            if pieces > longest:
                yield (
                    f"data.cleaning.{side} = {pieces} is more than model.max_positions = "
                    f"{longest}; lower the first, or raise the second for a model that begins anew"
                )

    def _idle_sections(self) -> Iterator[str]:
        """Sections that are given and switch nothing on; a 0 that is given is meant."""
        for name, switches in SWITCHES.items():
            outer, inner = name.split(".")
            part = getattr(self, outer)
            given = getattr(part, inner).model_fields_set
            if inner in part.model_fields_set and given.isdisjoint(switches):
                keys = "' or '".join(switches)
                yield f"{name} does nothing without '{keys}'; give it (0 is off), or remove {name}"

    def _missing_context(self) -> Iterator[str]:
        """Context that no corpus has, or that nothing uses."""
        context, train = self.data.context, self.data.train
        if self.train.context_discount and not context.target_sentences:
            yield "train.context_discount needs data.context.target_sentences above 0"
        if not context.used:
            return
        if self.task == "summarization":
            yield "data.context is for translation, a document is summarized as a whole"
        if not any(corpus.has_context for corpus in train):
            yield (
                "data.context needs a corpus in data.train that tells what stands before a "
                "sentence: document_field, blank_lines_end_documents or source_context_field"
            )
        for corpus in (*train, self.data.dev):
            columns = corpus.source_context_field, corpus.target_context_field
            if context.target_sentences and columns[0] is not None and columns[1] is None:
                yield (
                    f"{corpus.name}: data.context.target_sentences needs target_context_field "
                    "beside source_context_field"
                )

    def _pointers_that_miss(self) -> Iterator[str]:
        """What guided attention and the bottleneck cannot work with."""
        guided, sizes = self.train.guided_attention, self.model
        if self.train.points_at_words:
            for name in ("sampling_alpha", "bpe_dropout"):
                if getattr(self.tokenizer, name):
                    yield (
                        f"tokenizer.{name} cuts words anew in each epoch, train.guided_attention "
                        "and train.bottleneck need pieces that stay; set it to 0"
                    )
        for option, section, layers in (
            ("guided_attention", guided, "encoder_layers"),
            ("guided_copy", self.train.guided_copy, "decoder_layers"),
        ):
            for name, key in (("layer", layers), ("head", "heads")):
                number, count = getattr(section, name), getattr(sizes, key)
                known = section.weight and self._shape_is_known(key)
                if known and number is not None and number >= count:
                    yield (
                        f"train.{option}.{name} = {number}, counted from 0, is not among "
                        f"model.{key} = {count}"
                    )

    def _idle_starts(self) -> Iterator[str]:
        """What makes no sense with, or without, a model to begin from."""
        frozen, adapted = self.train.freeze, self.train.lora.rank > 0
        if self.init is None:
            for name in ("source_tag", "target_tag", "source_prefix", "new_language"):
                if getattr(self, name) is not None:
                    yield f"{name} is for the tokenizer of 'init', which is not given"
            for name, given in (("freeze", frozen), ("lora", adapted)):
                if given:
                    yield f"train.{name} would keep random weights; give 'init', or remove it"
            return
        if self.preset == "auto":
            yield "preset = 'auto' chooses a shape, 'init' brings one; remove one of them"
        if adapted and frozen:
            yield "train.lora leaves all weights as they are, so train.freeze has none to choose"
        yield from self._frozen_and_taught(set(frozen))

    def _frozen_and_taught(self, frozen: set[str]) -> Iterator[str]:
        """Parts that are to learn and to stay as they are."""
        if {"encoder", "decoder", "embeddings"} <= frozen:
            yield "train.freeze names all parts of the model, needed one that learns"
        for option, part in (("guided_attention", "encoder"), ("guided_copy", "decoder")):
            if part in frozen and getattr(self.train, option).weight:
                yield f"train.{option} teaches the {part}, which train.freeze keeps as it is"

    def _guides_of_other_models(self) -> Iterator[str]:
        """Losses on attention need a model whose attention is ours."""
        adapted = self.train.lora.rank > 0
        if self.model.is_native and not adapted:
            return
        given = {
            "guided_attention": self.train.guided_attention.weight,
            "guided_copy": self.train.guided_copy.weight,
            "bottleneck": self.train.bottleneck.share,
        }
        for name, value in given.items():
            if value:
                trained = "an adapter (train.lora)" if adapted else self.model.family
                yield f"train.{name} is for whole models of m2m_100 and marian, not for {trained}"

    def _not_sharded(self) -> Iterator[str]:
        """What cannot be sharded: weights read while their layer rests, and fp16's overflows."""
        if self.train.precision == "fp16":
            yield "train.precision = 'fp16' cannot be sharded (train.fsdp), needed bf16 or fp32"
        for name in ("guided_attention", "guided_copy"):
            if getattr(self.train, name).weight:
                yield (
                    f"train.fsdp shares out the weights that train.{name} reads outside of their "
                    "layer; remove one of them"
                )

    def _not_compiled(self) -> Iterator[str]:
        """What cannot be compiled: what looks into a layer, or runs it outside of its turn."""
        for name in ("guided_attention", "guided_copy"):
            if getattr(self.train, name).weight:
                yield (
                    f"train.compile closes the layers that train.{name} reads from; remove one of "
                    "them"
                )
        for name in ("fsdp", "gradient_checkpointing"):
            if getattr(self.train, name):
                yield f"train.compile does not work with train.{name}; remove one of them"

    def _shape_is_known(self, key: str) -> bool:
        """Whether a number of the model is settled; that of ``init`` is once it has been read."""
        return self.init is None or key in self.model.model_fields_set
