"""What transformers 4.57 answers; run by a Python that has it, and knows nothing of seq2seq.

    python tests/pipeline/in_version_4.py FOLDER < tests/golden/pipelines.json > answered.json

FOLDER holds the stock folder of each family, as `tests.pipeline.families` writes them.
"""

import json
import sys
import warnings
from typing import Any

import transformers


def answer(folder: str, case: dict[str, Any]) -> Any:
    """The answers to one case, or the exception that came instead."""
    made = {"model": f"{folder}/{case['family']}", "device": -1, **case["made_with"]}
    pipe = transformers.pipeline(case["task"], **made)
    return pipe(case["input"], **case["called_with"])


if __name__ == "__main__":
    assert transformers.__version__.startswith("4.57."), transformers.__version__
    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    cases = json.load(sys.stdin)
    for case in cases:
        case["answers"] = answer(sys.argv[1], case)
    sys.stdout.write(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")
