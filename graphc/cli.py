"""The command line: `python -m graphc demo | bench | explain | show | run | cache`."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn, TypeVar

__all__ = ["main"]

Number = TypeVar("Number", int, float)
PARTS = (
    "source", "lines", "converted", "graph", "optimized", "steps", "diffs", "plan", "kernels",
    "timings", "profile", "values", "why", "retraces", "memory",
)  # fmt: skip
ABOUT = """\
A graph compiler for Python with TensorFlow 2's names: train the demo, look at what became of a
function of yours, measure it, replay a saved graph."""
EXAMPLES = """\
examples:
  graphc demo                                      train two classifiers, eagerly and compiled
  graphc explain train:step 'x[:64]' 'y[:64]'      the report on step in train.py
  graphc explain train:step x y --part profile     one part of it
  graphc bench train:step x y                      does the graph pay, and after how many calls?
  graphc run bug.ir --passes 'cse, fuse'           replay a graph that a report saved
  graphc cache --clear                             forget the compiled kernels

exit status: 0 done, 1 the run failed, 2 wrong usage or input"""

# The commands import what they need themselves: `graphc cache` must not wait for the rest.


class CommandLine(argparse.ArgumentParser):
    """A parser whose errors are one line, and whose texts are printed as they are written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (--help shows the options)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    return options.command(options)


def _parser() -> CommandLine:
    parser = CommandLine(prog="graphc", description=ABOUT, epilog=EXAMPLES)
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_demo(commands)
    _add_bench(commands)
    _add_explain(commands)
    _add_show(commands)
    _add_run(commands)
    _add_cache(commands)
    return parser


def _add_demo(commands: argparse._SubParsersAction[CommandLine]) -> None:
    demo = commands.add_parser("demo", help="train on handwritten digits, eagerly and compiled")
    demo.description = (
        "Train two classifiers on 1,797 real digits, each eagerly and as a graph, and compare."
    )
    for name, kind, default, what in (
        ("--epochs", _count, 25, "times through the data"),
        ("--batch-size", _count, 64, "images a step"),
        ("--learning-rate", _rate, 0.005, "of Adam"),
        ("--seed", _seed, 1, "of the weights and the order"),
    ):
        symbol = "X" if kind is _rate else "N"
        shown = f"{what} ({default})"
        demo.add_argument(name, type=kind, default=default, metavar=symbol, help=shown)
    demo.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> int:
    from graphc import demo

    try:
        demo.run(
            demo.Options(options.epochs, options.batch_size, options.learning_rate, options.seed)
        )
    except ValueError as error:
        return _failed(error, 2)
    except FloatingPointError as error:
        return _failed(error, 1)
    return 0


def _add_bench(commands: argparse._SubParsersAction[CommandLine]) -> None:
    bench = commands.add_parser(
        "bench", help="eager against graph: the demo's training steps, or a function of yours"
    )
    bench.description = (
        "Seconds of a call, eager and as a graph in turns, what the first call costs, and after\n"
        "how many calls it has paid. Without a function: the demo's training steps."
    )
    bench.add_argument("--batch-size", type=_count, default=64, metavar="N", help="of the demo")
    _add_call(bench, "?")
    bench.set_defaults(command=_bench)


def _bench(options: argparse.Namespace) -> int:
    import graphc as gc
    from graphc import demo

    if options.function is not None:
        return _with_call(options, gc.benchmark)
    try:
        demo.bench(demo.Options(batch_size=options.batch_size))
    except ValueError as error:
        return _failed(error, 2)
    return 0


def _add_explain(commands: argparse._SubParsersAction[CommandLine]) -> None:
    explain = commands.add_parser("explain", help="report what graphc did with a function")
    explain.description = (
        "Trace and compile a function for arguments, and tell what became of it: traces, graph,\n"
        "passes, kernels, memory, timings. Variables keep their values."
    )
    _add_call(explain)
    explain.add_argument("--part", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    explain.add_argument("--html", metavar="FILE", help="write the report as a page")
    explain.add_argument("--json", action="store_true", help="print the report as JSON")
    explain.set_defaults(command=_explain)


def _explain(options: argparse.Namespace) -> int:
    import graphc as gc

    def explained(function: Any, *arguments: Any) -> Any:
        function = function if hasattr(function, "explain") else gc.function(function)
        report = function.explain(*arguments)
        if options.html:
            page = f"<!DOCTYPE html><meta charset='utf-8'>{report._repr_html_()}"
            Path(options.html).write_text(page, encoding="utf-8")
        if options.json:
            return json.dumps(report.to_dict(), indent=1)
        if options.part:
            found = getattr(report, options.part)
            return "\n".join(map(str, found)) if isinstance(found, list) else found
        return report

    return _with_call(options, explained)


def _add_call(command: argparse.ArgumentParser, count: str | None = None) -> None:
    """A function of the user's and its arguments."""
    command.add_argument("function", type=_target, nargs=count, metavar="MODULE:FUNCTION")
    command.add_argument(
        "arguments",
        nargs="*",
        metavar="ARGUMENT",
        help="Python expressions in the module's names, such as 'x[:64]'; "
        "a function with an input signature needs none",
    )


def _with_call(options: argparse.Namespace, tool: Callable[..., Any]) -> int:
    """Print what a tool says of the user's function and arguments."""
    module_name, path = options.function
    sys.path.insert(0, "")  # as `python -m` does; the installed script would not see this folder
    try:
        module = importlib.import_module(module_name)
        function = attrgetter(path)(module)
    except (ImportError, AttributeError) as error:
        return _failed(error, 2)
    arguments = []
    for text in options.arguments:
        try:  # the user's own expressions over the user's own module, on their own command line
            arguments.append(eval(text, dict(vars(module))))
        except Exception as error:
            return _failed(f"argument {text!r}: {type(error).__name__}: {error}", 2)
    print(tool(function, *arguments))
    return 0


def _target(text: str) -> tuple[str, str]:
    module, colon, path = text.partition(":")
    if not (module and colon and path):
        raise argparse.ArgumentTypeError(f"write it as module:function, not {text!r}")
    return module, path


def _add_show(commands: argparse._SubParsersAction[CommandLine]) -> None:
    show = commands.add_parser("show", help="print a graph from its text, after some passes")
    show.add_argument("file", metavar="FILE.ir")
    show.description = "Check the text of a graph, put passes over it, and print or draw it."
    show.add_argument("--passes", default="", metavar="NAMES", help="such as 'cse, fuse'")
    show.add_argument("--locs", action="store_true", help="with the user's lines")
    show.add_argument("--svg", metavar="FILE", help="draw it there instead of printing it")
    show.set_defaults(command=_show)


def _show(options: argparse.Namespace) -> int:
    graph = _read_graph(options)
    if isinstance(graph, int):
        return graph
    if options.svg:
        from graphc.inspect.svg import to_svg

        Path(options.svg).write_text(to_svg(graph), encoding="utf-8")
    else:
        print(graph.text(locs=options.locs))
    return 0


def _read_graph(options: argparse.Namespace) -> Any:
    """The graph of a file after its passes, or an exit status."""
    from graphc.errors import ParseError, VerifyError
    from graphc.inspect import text

    try:
        with open(options.file, encoding="utf-8") as file:
            return text.improved(text.parse(file.read()), options.passes)
    except (OSError, ParseError, VerifyError, ValueError) as error:
        return _failed(error, 2)


def _add_run(commands: argparse._SubParsersAction[CommandLine]) -> None:
    run = commands.add_parser("run", help="run a graph from its text on random values")
    run.description = (
        "Run a graph, compiled and in the reference interpreter, compare both, and print its\n"
        "results; with the values that a report saved beside the file, or with random ones."
    )
    run.add_argument("file", metavar="FILE.ir")
    run.add_argument("--passes", default="", metavar="NAMES", help="such as 'cse, fuse'")
    run.add_argument(
        "--seed",
        type=_seed,
        metavar="N",
        help="random values from this seed; without it those that a report saved beside the file,"
        " or seed 0",
    )
    run.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from graphc.errors import GraphcError
    from graphc.inspect import text

    graph = _read_graph(options)
    if isinstance(graph, int):
        return graph
    try:
        values = None if options.seed is not None else text.saved_inputs(options.file)
        results = text.run(graph, values or text.random_inputs(graph, options.seed or 0))
    except (GraphcError, AssertionError, ValueError, OSError) as error:
        return _failed(error, 1)
    for value, result in zip(graph.results, results, strict=True):
        print(f"%{value.name} =\n{result}")
    return 0


def _add_cache(commands: argparse._SubParsersAction[CommandLine]) -> None:
    cache = commands.add_parser("cache", help="show or clear the compiled kernels on disk")
    cache.add_argument("--clear", action="store_true", help="remove them")
    cache.add_argument("--list", action="store_true", help="name each one")
    cache.set_defaults(command=_cache)


def _cache(options: argparse.Namespace) -> int:
    from graphc import config
    from graphc.runtime import cache

    if options.clear:
        cache.clear()
    kernels = [path for path in cache.entries() if path.suffix == cache.SUFFIX]
    if options.list:
        for path in kernels:
            print(f"{path.stat().st_size:8,} bytes  {path.name}")
    print(f"{len(kernels)} kernels, {cache.size() / 1e6:.1f} MB in {config.options().cache_dir}")
    return 0


def _failed(error: object, status: int) -> int:
    print(f"graphc: error: {error}", file=sys.stderr)
    return status


def _count(text: str) -> int:
    number = _number(text, int)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def _seed(text: str) -> int:
    number = _number(text, int)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"must be from 0 to 4294967295, not {text}")
    return number


def _rate(text: str) -> float:
    number = _number(text, float)
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"must be a finite number above 0, not {text}")
    return number


def _number(text: str, kind: Callable[[str], Number]) -> Number:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a number: {text!r}") from None
