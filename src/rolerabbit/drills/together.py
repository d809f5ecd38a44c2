"""Two faults at once: each is made as by itself, and both have to be found and mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from rolerabbit.drills.fault import Fault
from rolerabbit.drills.scene import Maker, Scene, Stand


def together(parts: Sequence[Fault], maker_of: Callable[[Fault], Maker]) -> Maker:
    """The maker of all these faults: the first is made first, and ended last. ``known.also`` says of each further one
    which cause and object must be named."""

    @contextmanager
    def made(scene: Scene) -> Iterator[Stand]:
        with ExitStack() as stack:
            stands = [stack.enter_context(maker_of(part)(scene)) for part in parts]
            yield _joined(parts, stands)

    return made


def _joined(parts: Sequence[Fault], stands: Sequence[Stand]) -> Stand:
    first, *others = stands
    also = [
        {"cause": part.cause, "object": dict(stand.found), "accept": stand.known.get("accept", [])}
        for part, stand in zip(parts[1:], others, strict=True)
    ]
    return Stand(
        first.found,
        remedied=lambda: all(stand.remedied() for stand in stands if stand.remedied),
        protected=[thing for stand in stands for thing in stand.protected],
        known={"accept": first.known.get("accept", []), "also": also},
        counts=lambda: _counted(parts, stands),
    )


def _counted(parts: Sequence[Fault], stands: Sequence[Stand]) -> Mapping[str, int]:
    """What each counts, under its own name, and whether it had ended."""
    found: dict[str, int] = {}
    for part, stand in zip(parts, stands, strict=True):
        found |= {f"{part.name}.{name}": number for name, number in stand.counts().items()}
        if stand.remedied:
            found[f"{part.name}.mended"] = int(stand.remedied())
    return found
