"""Verdicts on made-up claims whose truth is known: how often the check of sentences is right.

    python bench/support.py DATA [--claims 150] [--seed 1] [--misses] [--no-embedding]

DATA is a folder of text files. From their sentences claims of ten kinds are made, as many of
each as --claims says, or as there are. Three kinds say what the source says: the sentence
itself, a shortened one, one with its parts in another order. The others say what it does not:
a number or a date is changed; a name is replaced by another of the same document; the sentence
is one of another document; a negation is put in or taken out; a detail is added that was
invented for this script, or cut from another document.

A claim is checked against the run of sentences, up to 900 characters, around the one it was
made from. Balanced accuracy of a kind is the mean of two shares: of the true claims that are
called supported, and of the kind's that are not. `strictly` counts "partly" as wrong for both.
The same seed makes the same claims.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assistant.relatedness import Embed
from assistant.verification import Checker, Support
from bench.claims import Claim, Corpus, make_claims
from bench.common import demand, forget_settings, percentile, print_machine
from ingest.index.documents import Passage
from ingest.index.embedding import Embedder
from ingest.index.settings import DEFAULT_MODEL

TRUE = ("verbatim", "shortened", "reordered")
FALSE = ("number", "date", "name", "foreign", "negation", "addition")
DEMANDS = {"number": 0.95, "date": 0.95, "name": 0.95, "foreign": 0.95}
DEMANDS |= {"negation": 0.80, "addition": 0.80}


def main() -> None:
    """Make the claims, check them, print shares and demands."""
    arguments = _arguments()
    forget_settings()
    print_machine("torch", "sentence-transformers")
    corpus = Corpus(arguments.data)
    claims = make_claims(corpus, arguments.claims, random.Random(arguments.seed))
    embed: Embed | None = None
    if not arguments.no_embedding:
        embedder = Embedder(DEFAULT_MODEL)
        embedder.load()
        embed = embedder.embed_passages
    verdicts: dict[Claim, Support] = {}
    seconds = []
    for claim in claims:
        started = time.perf_counter()
        checker = Checker([_passage(claim.source.passage)], embed)
        verdicts[claim] = checker.check(claim.text, [1]).support
        seconds.append(time.perf_counter() - started)
    _show(claims, verdicts)
    print(
        f"\na sentence, its passage read anew: median {median(seconds) * 1000:.1f} ms, "
        f"95th percentile {percentile(seconds, 0.95) * 1000:.1f} ms"
    )
    demand("a verdict in under 30 ms at the median", median(seconds) < 0.03)
    if arguments.misses:
        _show_misses(claims, verdicts)


def _passage(text: str) -> Passage:
    return Passage(1, "", "", "", text, 0, len(text), None)


def _show(claims: Sequence[Claim], verdicts: dict[Claim, Support]) -> None:
    counts = {kind: Counter[Support]() for kind in (*TRUE, *FALSE)}
    for claim in claims:
        counts[claim.kind][verdicts[claim]] += 1
    print(f"\n{'kind':12}{'claims':>8}{'supported':>11}{'partly':>8}{'unsupported':>13}")
    shown = (Support.SUPPORTED, Support.PARTLY, Support.UNSUPPORTED)
    for kind, found in counts.items():
        row = "".join(
            f"{found[support]:{width}}" for support, width in zip(shown, (11, 8, 13), strict=True)
        )
        print(f"{kind:12}{found.total():8}{row}")
    true = sum((counts[kind] for kind in TRUE), Counter[Support]())
    supported = true[Support.SUPPORTED] / true.total()
    lost = true[Support.UNSUPPORTED] / true.total()
    print(f"\nbalanced accuracy{'':10}strictly")
    for kind in FALSE:
        found = counts[kind]
        if not found.total():
            continue
        caught = 1 - found[Support.SUPPORTED] / found.total()
        strictly = found[Support.UNSUPPORTED] / found.total()
        print(f"  {kind:12}{(supported + caught) / 2:9.3f}{(supported + strictly) / 2:12.3f}")
        balanced = (supported + caught) / 2
        demand(f"{kind} at least {DEMANDS[kind]:.2f}", balanced >= DEMANDS[kind])
    demand(f"true claims called unsupported {lost:.1%}, at most 5 %", lost <= 0.05)


def _show_misses(claims: Sequence[Claim], verdicts: dict[Claim, Support]) -> None:
    for claim in claims:
        right = Support.SUPPORTED if claim.kind in TRUE else Support.UNSUPPORTED
        if verdicts[claim] != right:
            print(f"\n{claim.kind}, called {verdicts[claim]}: {claim.text}")
            if claim.kind != "verbatim":
                print(f"    made from: {claim.source.text}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--claims", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", action="store_true", help="print what was judged wrongly")
    parser.add_argument("--no-embedding", action="store_true", help="compare words alone")
    return parser.parse_args()


if __name__ == "__main__":
    main()
