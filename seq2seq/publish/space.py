"""The Space of a model: a repository of its own whose page lets people try it.

It holds a copy of ``page/`` and of the rules by which text is cut into sentences, which need
gradio, langcodes, sentencex, torch and transformers alone, and the name of the model, which it
loads from the Hub when it starts.
"""

from collections.abc import Sequence
from pathlib import Path

from seq2seq.errors import PublishError
from seq2seq.languages import language_of
from seq2seq.publish.page.settings import Settings
from seq2seq.publish.plan import (
    CARD,
    SETTINGS,
    Plan,
    PlannedFile,
    check_repository,
    refuse_private_paths,
)
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.sentences import marks_sentences

LICENSE = "apache-2.0"  # of the page; the model's stands in the model's own card
PYTHON, GRADIO = "3.12", "6.31.0"
REQUIREMENTS = (
    "gradio>=6.0,<7\nlangcodes>=3.4\nsentencex>=1.0.30\ntorch>=2.10\ntransformers>=5.21,<6\n"
)
PAGE = Path(__file__).parent / "page"
# Modules of seq2seq that the page of a Space has beside its own, importing each other alone.
SHARED = ("languages", "sentences")
APP = '''\
"""Start the page; what it shows stands in space.json."""

from pathlib import Path

from page.gradio_page import main

main(Path(__file__).with_name("space.json"))
'''
README = """\
# {title}

{does} with [{model}](https://huggingface.co/{model}), whose card says what it was trained on and how well it does.
The page also draws the model's attention, by layer and head.

It needs nothing but what `requirements.txt` names, and runs anywhere:

```sh
pip install -r requirements.txt
python app.py
```

The model is loaded from the Hub when the page starts; a private one needs a token that may read it, in a Space as its secret `HF_TOKEN`.
"""  # noqa: E501


def plan_space(run: Run, repository: str, *, examples: Sequence[str] = ()) -> Plan:
    """Settle what the Space of a run's model holds; nothing is written and nobody is asked.

    Args:
        run: A run folder.
        repository: Of the model, such as ``owner/name``; the Space has the same name.
        examples: Texts that visitors may choose from; the first stands on the page from the start.

    Returns:
        The plan.

    Raises:
        RecipeError: The folder is no run.
        PublishError: The name is none of the Hub's, an example is blank, or a file names a folder
            of this machine.
    """
    check_repository(repository)
    from seq2seq.opened_model import trained_on  # loads torch, which asking for help must not

    whole_first = trained_on(run) != "sentences"
    settings = _settings(run.read_recipe(), repository, examples, whole_first=whole_first)
    made = {
        CARD: _card(settings),
        "app.py": APP,
        "requirements.txt": REQUIREMENTS,
        SETTINGS: settings.to_json(),
    }
    files = [PlannedFile(path, text.encode()) for path, text in made.items()]
    files += page_files()
    plan = Plan(repository, "space", LICENSE, tuple(sorted(files, key=lambda file: file.path)))
    refuse_private_paths(plan, run)
    return plan


def page_files() -> list[PlannedFile]:
    """The program of a Space: the page, with copies of the modules that it shares with seq2seq."""
    own = [path for path in PAGE.glob("*.py") if path.stem not in SHARED]
    files = [PlannedFile(f"{PAGE.name}/{path.name}", path) for path in own]
    for name in SHARED:
        text = (PAGE.parents[1] / f"{name}.py").read_text(encoding="utf-8")
        copied = text.replace("\nfrom seq2seq.", "\nfrom .")
        files.append(PlannedFile(f"{PAGE.name}/{name}.py", copied.encode()))
    return files


def _settings(
    recipe: Recipe, repository: str, examples: Sequence[str], *, whole_first: bool
) -> Settings:
    """What the page shows of a model that reads single sentences, or lines as they are."""
    blank = [number for number, text in enumerate(examples, start=1) if not text.strip()]
    if blank:
        raise PublishError(
            f"example {blank[0]}: '{examples[blank[0] - 1]}', needed text; leave it out"
        )
    translates = recipe.task == "translation"
    source, target = language_of(recipe.source_language), language_of(recipe.target_language)
    # What was read as a whole is read again only where its output's sentences can be counted.
    apart = translates and (marks_sentences(recipe.target_language) or not whole_first)
    return Settings(
        repository,
        repository.partition("/")[2],
        recipe.task,
        recipe.source_language,
        recipe.target_language,
        tuple(examples),
        sentences_in=source.code if apart else "",
        whole_first=apart and whole_first,
        joint=" " if target.spaced else "",
        source_right_to_left=source.right_to_left,
        target_right_to_left=target.right_to_left,
    )


def _card(settings: Settings) -> str:
    """The README.md, whose head tells the Hub how to run the Space."""
    from huggingface_hub import SpaceCardData

    does = {
        "translation": f"Translates {settings.source_language} to {settings.target_language}",
        "summarization": f"Summarizes {settings.source_language}",
        None: "Writes",
    }[settings.task]
    head = SpaceCardData(
        title=settings.title,
        sdk="gradio",
        sdk_version=GRADIO,
        python_version=PYTHON,
        app_file="app.py",
        license=LICENSE,
        models=[settings.model],
        tags=["seq2seq"],
        emoji="🔎",
        colorFrom="blue",
        colorTo="gray",
        short_description=f"{does} and shows its attention",
    ).to_yaml()
    text = README.format(title=settings.title, does=does, model=settings.model)
    return f"---\n{head.strip()}\n---\n\n{text}"
