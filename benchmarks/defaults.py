"""What the defaults of labelling by a language model rest on.

    python benchmarks/defaults.py score --model PATH_OR_NAME --shared ../shared --scores FOLDER
    python benchmarks/defaults.py tell --scores FOLDER

Six sets x {completion, chat} x {0, 4, 8 demonstrations} x seeds, for each model; prompts are
llmal's (`label`), with the labels' names as they stand in the data and no guidelines. `score`
asks the model, once a cell; what is in the folder already is not asked again, so it can be
stopped and go on, several processes may share the work, and a model or a seed can be added.
`tell` works out every calibrator and every normalisation from the scores, without the model.

Choices are made on rows of the train parts: the second half of the pool is labelled with
calibrators that were fitted on the first half, and its gold labels judge. Test rows are looked at
for the table alone.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from dataclasses import asdict
from pathlib import Path

from defaults_figures import tell
from defaults_judged import figures_of
from defaults_scores import ARRANGEMENTS, TEXT_COLUMNS, Cell, Sizes, draw, score, write
from results_file import record_command, recorded_commands, write_results

from llmal.lm import TransformersLM
from llmal.prompting import load_prompt
from llmal.prompting.style import choose_style


def ask(options: argparse.Namespace) -> None:
    """Score what is not in the folder yet, the first seed and arrangement first."""
    sizes = Sizes(options.test, options.pool, options.labelled, options.candidates)
    shared = Path(options.shared).resolve()
    folder = Path(options.scores) / Path(options.model).name
    record_command(Path(options.scores))
    lm = TransformersLM(
        options.model,
        device=options.device,
        dtype=options.dtype,
        batch_tokens=options.batch_tokens,
    )
    begun = time.perf_counter()
    for arrangement in options.arrangements:
        for seed in range(options.seeds):
            for name in options.sets:
                drawn = draw(name, shared, sizes, seed)
                for shots in options.shots:
                    if not shots and arrangement != "balanced":
                        continue
                    for style in options.styles:
                        cell = Cell(name, style, shots, arrangement, seed)
                        path = folder / cell.file_name
                        if path.exists():
                            continue
                        start = time.perf_counter()
                        scored = score(cell, drawn, lm)
                        told = {
                            "model": Path(options.model).name,
                            "dtype": lm.fingerprint.rsplit("/", 1)[-1],
                            "sizes": asdict(sizes),
                            "seconds": time.perf_counter() - start,
                            "auto": choose_style(drawn.task, load_prompt("label"), lm),
                        }
                        write(scored, path, told)
                        print(
                            f"{time.perf_counter() - begun:6.0f} s  {cell.file_name}  "
                            f"{told['seconds']:.0f} s",
                            flush=True,
                        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["score", "tell"])
    parser.add_argument("--scores", required=True, help="folder of the scores, outside of the code")
    parser.add_argument("--model", help="path or hub name, to score with")
    parser.add_argument("--device")
    parser.add_argument("--dtype")
    parser.add_argument("--batch-tokens", type=int, default=4096, help="512 is faster on a CPU")
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", "../shared"))
    parser.add_argument("--sets", nargs="+", default=list(TEXT_COLUMNS), choices=list(TEXT_COLUMNS))
    parser.add_argument("--shots", nargs="+", type=int, default=[0, 4, 8])
    parser.add_argument(
        "--styles",
        nargs="+",
        default=["completion", "chat"],
        choices=["completion", "chat"],
    )
    parser.add_argument(
        "--arrangements", nargs="+", default=list(ARRANGEMENTS), choices=list(ARRANGEMENTS)
    )
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--test", type=int, default=150)
    parser.add_argument("--pool", type=int, default=256)
    parser.add_argument("--labelled", type=int, default=50)
    parser.add_argument("--candidates", type=int, default=50)
    options = parser.parse_args()
    if options.what == "score":
        if not options.model:
            parser.error("--model names the model to score with")
        ask(options)
        return
    logging.getLogger("llmal").setLevel(logging.ERROR)
    paths = sorted(Path(options.scores).glob("*/*.npz"))
    cells = [figures_of(path) for path in paths if not path.name.endswith(".new.npz")]
    commands = recorded_commands(Path(options.scores))
    print(write_results("defaults", {"commands": commands, **tell(cells)}))


if __name__ == "__main__":
    main()
