"""A task with a known answer: the digits of the source in reverse order."""

import random
from pathlib import Path


def write_digits(folder: Path, *, train: int, held_out: int, longest: int = 6) -> None:
    """Write ``train.tsv``, ``dev.tsv`` and ``test.tsv``; no source stands in two of them."""
    generator = random.Random(11)
    seen: set[str] = set()
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("dev", held_out), ("test", held_out), ("train", train)):
        lines = []
        while len(lines) < count:
            digits = [generator.choice("0123456789") for _ in range(generator.randint(2, longest))]
            source, target = " ".join(digits), " ".join(reversed(digits))
            if source not in seen:
                seen.add(source)
                lines.append(f"{source}\t{target}\n")
        (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")


def digits_recipe(folder: Path, **sections: str) -> str:
    """A recipe on those files; each section's text is added under its name."""
    text = f"""
source_language = "en"
target_language = "de"
[data]
folder = "{folder}"
cache = "{folder}/cache"
cleaning = {{ max_source_pieces = 64, max_target_pieces = 64 }}
train = [{{ file = "train.tsv", source_field = "1", target_field = "2" }}]
dev = {{ file = "dev.tsv", source_field = "1", target_field = "2" }}
test = {{ digits = {{ file = "test.tsv", source_field = "1", target_field = "2" }} }}
[model]
width = 32
ffn_width = 64
heads = 2
encoder_layers = 1
decoder_layers = 1
max_positions = 64
"""
    return text + "".join(f"[{name}]\n{content}\n" for name, content in sections.items())
