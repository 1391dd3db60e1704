"""What may be asked of the commands that put a model to work, under the titles of their help."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from seq2seq.cli.options import PROGRAM

TEXT, LANGUAGES, SEARCH, DRAWING = (
    "Text in, text out",
    "Languages",
    "Search (what is not given is as the model's folder says)",
    "Drawing at random instead",
)

Engine = Annotated[
    Literal["auto", "native", "transformers", "ctranslate2"],
    typer.Option(
        metavar="NAME",
        rich_help_panel=PROGRAM,
        help="native, transformers, ctranslate2 (after export), or auto: the fastest of them with "
        "the same outputs, tried once for each model; what is chosen and why goes to stderr.",
    ),
]
Quantize = Annotated[
    Literal["int8"] | None,
    typer.Option(
        metavar="TYPE",
        rich_help_panel=PROGRAM,
        show_default=False,
        help="int8: matrices in 8 bits, faster; what that changes is measured and said. [default: "
        "32-bit floats]",
    ),
]
Input = Annotated[
    Path,
    typer.Option("--input", metavar="F", help="One segment a line. [default: stdin]",
                 show_default=False, rich_help_panel=TEXT),
]  # fmt: skip
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="F", help="[default: stdout]", show_default=False,
                 rich_help_panel=TEXT),
]  # fmt: skip
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on behind what an interrupted command left in F.part, with "
                 "the same model, input and options.", rich_help_panel=TEXT),
]  # fmt: skip
Shard = Annotated[
    str | None,
    typer.Option(metavar="I/N", help="Only the I-th of N equal parts of the file; their outputs "
                 "one after the other are that of the whole.", show_default=False,
                 rich_help_panel=TEXT),
]  # fmt: skip
Beam = Annotated[
    int | None,
    typer.Option(metavar="N", help="Beams; 1 is greedy.", min=1, show_default=False,
                 rich_help_panel=SEARCH),
]  # fmt: skip
NBest = Annotated[
    int,
    typer.Option(metavar="N", help="Best N for each line: number, score, text.", min=1,
                 rich_help_panel=TEXT),
]  # fmt: skip
Long = Annotated[
    Literal["split", "truncate", "refuse"],
    typer.Option(metavar="HOW", help="Over-long input: split, truncate or refuse; always counted.",
                 rich_help_panel=TEXT),
]  # fmt: skip
Split = Annotated[
    Literal["auto", "sentences", "long"],
    typer.Option(
        metavar="WHAT",
        rich_help_panel=TEXT,
        help="Lines to split: sentences (all of several), long (only over-long ones), or auto: "
        "all of several if the model was trained on single sentences, else those whose translation "
        "as a whole has fewer.",
    ),
]
Document = Annotated[
    bool,
    typer.Option("--document", help="Lines are sentences in order and blank ones end a document: "
                 "translate each with those before it (models trained with data.context).",
                 rich_help_panel=TEXT),
]  # fmt: skip
Restore = Annotated[
    bool,
    typer.Option(
        "--restore/--no-restore",
        rich_help_panel=TEXT,
        help="Put addresses and placeholders ({name}, %s, <b>) that the model changed back as "
        "they are in the input, or leave outputs as it wrote them; counted either way.",
    ),
]
SourceLanguage = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Of the input, if there is a choice; de, deu_Latn and de_DE "
                 "are the same.", show_default=False, rich_help_panel=LANGUAGES),
]  # fmt: skip
TargetLanguage = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Of the output, if there is a choice.", show_default=False,
                 rich_help_panel=LANGUAGES),
]  # fmt: skip
SourcePrefix = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What the model reads before each line, such as the name of "
                 "a task for T5. [default: as its config.json says]", show_default=False,
                 rich_help_panel=LANGUAGES),
]  # fmt: skip
LengthPenalty = Annotated[
    float | None,
    typer.Option(metavar="X", help="Exponent of the length in the score; more favours long "
                 "outputs.", show_default=False, rich_help_panel=SEARCH),
]  # fmt: skip
NoRepeatNgram = Annotated[
    int | None,
    typer.Option(metavar="N", help="No N pieces in a row occur twice; 0 allows it.", min=0,
                 show_default=False, rich_help_panel=SEARCH),
]  # fmt: skip
MinLength = Annotated[
    int | None,
    typer.Option(metavar="N", help="Pieces before an output may end.", min=0, show_default=False,
                 rich_help_panel=SEARCH),
]  # fmt: skip
MaxLength = Annotated[
    int | None,
    typer.Option(metavar="N", help="Pieces of an output at most, its end included.", min=1,
                 show_default=False, rich_help_panel=SEARCH),
]  # fmt: skip
ForcedPrefix = Annotated[
    str,
    typer.Option(metavar="TEXT", help="What every output begins with.", show_default=False,
                 rich_help_panel=SEARCH),
]  # fmt: skip
Sample = Annotated[bool, typer.Option("--sample", help="Draw outputs.", rich_help_panel=DRAWING)]
Temperature = Annotated[
    float | None,
    typer.Option(metavar="X", help="Below 1 the probable is drawn more often. [default: 1]",
                 show_default=False, rich_help_panel=DRAWING),
]  # fmt: skip
TopK = Annotated[
    int | None,
    typer.Option(metavar="N", help="Draw among the N most probable pieces. [default: all]", min=1,
                 show_default=False, rich_help_panel=DRAWING),
]  # fmt: skip
TopP = Annotated[
    float | None,
    typer.Option(metavar="P", help="Draw among the fewest pieces of this probability. [default: "
                 "all]", show_default=False, rich_help_panel=DRAWING),
]  # fmt: skip
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", help="The same seed draws the same for the same line. [default: 1]",
                 show_default=False, rich_help_panel=DRAWING),
]  # fmt: skip
BatchTokens = Annotated[
    int,
    typer.Option(metavar="N", help="Source pieces times beams in one batch.", min=1,
                 rich_help_panel=PROGRAM),
]  # fmt: skip
