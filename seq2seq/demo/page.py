"""The page on which models are tried: a form, and under it a column for each model.

What a model attends to is the page of ``seq2seq attention``, in a frame: there is one drawing of
attention, and each model's has its own layers and heads.
"""

from collections.abc import Sequence
from importlib.resources import files
from string import Template

from seq2seq.demo.tried_model import TriedModel
from seq2seq.task_prefix import Work
from seq2seq.viewer.escape import escape
from seq2seq.viewer.page import policy_of, viewer_file

VERBS: dict[Work, str] = {"translation": "Translate", "summarization": "Summarize"}


def demo_page(models: Sequence[TriedModel], examples: Sequence[str]) -> tuple[str, str]:
    """Write the page.

    Args:
        models: One or more.
        examples: Texts to choose from; the first is answered at once.

    Returns:
        The page as HTML, and the policy (``Content-Security-Policy``) that it is served with: it
        may ask this server and nobody else.
    """
    script = viewer_file("draw.js") + viewer_file("answers.js") + _file("page.js")
    style = viewer_file("page.css") + _file("page.css")
    source = models[0].tags[0]
    html = Template(_file("page.html")).substitute(
        title="Try " + " and ".join(escape(model.name) for model in models),
        style=style,
        script=script,
        lang=f' lang="{escape(source)}"' if source else "",
        verb=VERBS[models[0].translator.work],
        examples=_examples(examples),
        models="".join(_column(number, model) for number, model in enumerate(models)),
    )
    rules = ("connect-src 'self'", "frame-src 'self'", "frame-ancestors 'none'")
    return html, policy_of(script, style, *rules)


def _file(name: str) -> str:
    return files("seq2seq.demo").joinpath(name).read_text(encoding="utf-8")


def _examples(examples: Sequence[str]) -> str:
    if not examples:
        return ""
    buttons = "".join(
        f'<button type="button" dir="auto">{escape(one)}</button>' for one in examples
    )
    return f'<div class="examples" role="group" aria-label="Examples">{buttons}</div>'


def _column(number: int, model: TriedModel) -> str:
    name = escape(model.name)
    return (
        f'<section class="model" aria-labelledby="name-{number}" data-name="{name}" '
        f'data-language="{escape(model.tags[1])}">'
        f'<h2 id="name-{number}">{name}</h2>'
        '<p class="problem" role="alert"></p>'
        '<div class="translation"></div><div class="before"></div>'
        '<div class="remarks"></div>'
        f'<iframe class="attention" title="Attention of {name}" hidden></iframe>'
        '<a class="keep" download="attention.html" hidden>Save this attention page</a></section>'
    )
