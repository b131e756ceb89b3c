"""The run as a PyTorch data set. Needs ``pip install 'proofpile2[train]'``; nothing else imports it."""

from __future__ import annotations

from typing import Any

import torch

from proofpile2.packing.reader import TokenSet

__all__ = ["RunDataset"]


class RunDataset(torch.utils.data.Dataset[Any]):  # type: ignore[misc, unused-ignore]
    """Sequences that rank ``rank`` of ``world`` reads from step ``start`` on, one an item, for
    ``DataLoader(dataset, batch_size=batch, shuffle=False)``; the order is the run's already.

    An item is int64 ``[length]``. With ``boundaries`` it is a dict: ``tokens`` and ``positions``, which restart at each
    document's piece.
    """

    def __init__(
        self, tokens: TokenSet, batch: int, start: int = 0, rank: int = 0, world: int = 1, boundaries: bool = False
    ) -> None:
        if not 0 <= rank < world:
            raise ValueError(f"rank {rank} of {world}")
        self.tokens, self.batch, self.start = tokens, batch, start
        self.rank, self.world, self.boundaries = rank, world, boundaries

    def __len__(self) -> int:
        return max(0, self.tokens.steps(self.batch, self.world) - self.start) * self.batch

    def __getitem__(self, item: int) -> Any:
        if not 0 <= item < len(self):
            raise IndexError(item)
        step, place = divmod(item, self.batch)
        position = ((self.start + step) * self.world + self.rank) * self.batch + place
        if not self.boundaries:
            return torch.from_numpy(self.tokens.at([position])[0][0])
        component, number = self.tokens.order([position])
        found = self.tokens.part(self.tokens.components[int(component[0])]).sequence(int(number[0]))
        return {
            "tokens": torch.from_numpy(found.tokens.astype("int64")),
            "positions": torch.from_numpy(found.positions().astype("int64")),
        }
