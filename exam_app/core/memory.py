"""How often the garbage collector of a process looks, and at what."""

from __future__ import annotations

import gc

# GC threshold: allocations before a young collection. A page creates some 10,000 objects that die
# with it.
YOUNG = 20_000


def settle_memory() -> None:
    """Moves everything loaded so far out of the garbage collector's reach, and collects less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
