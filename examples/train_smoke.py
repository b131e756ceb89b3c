"""Trains a small GPT from the binaries of `proofpile2 run proofpile2`, on a GPU where there is one.

    pip install 'proofpile2[train]'
    python examples/train_smoke.py out --steps 200

It shows that the binaries train: the loss falls from ln V, the validation loss is reported for each component as in
Llemma's figure, and the share of the time that the trainer waits for data is told. Needs PyTorch, NumPy and this
package's reader.
"""

from __future__ import annotations

import argparse
import json
import math
import queue
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

try:
    from proofpile2.packing.reader import TokenSet, open_tokens
except ImportError:  # a bare copy of the repository on a machine with PyTorch and NumPy only: the reader needs no more
    import types

    ROOT = Path(__file__).resolve().parents[1] / "proofpile2"
    for name, folder in (("proofpile2", ROOT), ("proofpile2.packing", ROOT / "packing")):
        module = types.ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module
    from proofpile2.packing.reader import TokenSet, open_tokens


class Block(nn.Module):
    """Attention and a feed-forward layer, each after a norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        shape = (batch, length, self.heads, width // self.heads)
        q, k, v = (one.view(shape).transpose(1, 2) for one in self.qkv(self.norm_attention(x)).split(width, dim=2))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.norm_mlp(x))


class Model(nn.Module):
    """A GPT with learnt positions and tied embeddings."""

    def __init__(self, vocab: int, length: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(vocab, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for weight in (self.token.weight, self.position.weight):
            nn.init.normal_(weight, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.token(tokens) + self.position.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.token.weight.T


def loss_of(model: nn.Module, tokens: torch.Tensor, end: int) -> torch.Tensor:
    """Mean loss of the next token; the end-of-document token counts once, the padding after it does not."""
    inputs, targets = tokens[:, :-1], tokens[:, 1:].clone()
    targets[(targets == end) & (inputs == end)] = -100
    return functional.cross_entropy(model(inputs).float().flatten(0, 1), targets.flatten(), ignore_index=-100)


def ahead(data: TokenSet, batch: int, start: int, stop: int, depth: int) -> Iterator[Any]:
    """Batches read by a thread while the trainer works; ``depth`` of them at most wait."""
    waiting: queue.Queue[Any] = queue.Queue(depth)

    def read() -> None:
        for step in range(start, stop):
            waiting.put(data.batch(step, batch))
        waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (found := waiting.get()) is not None:
        yield found


@torch.no_grad()
def validation(model: nn.Module, data: TokenSet, batch: int, most: int, device: str, cast: Any) -> dict[str, float]:
    """Loss on the validation split of each component, over at most ``most`` sequences."""
    losses = {}
    for name in data.components:
        try:
            part = data.part(name, "validation")
        except KeyError:
            continue
        rows = [part.tokens(k).astype(np.int64) for k in range(min(len(part), most))]
        total = 0.0
        for n in range(0, len(rows), batch):
            piece = torch.from_numpy(np.stack(rows[n : n + batch])).to(device)
            with cast():
                total += float(loss_of(model, piece, data.end)) * len(piece)
        losses[name] = total / len(rows)
    return losses


def main() -> int:
    """Train, and print a report; exit code 1 if the loss did not fall."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="--out of `proofpile2 run proofpile2`, or a mixture in it")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--start", type=int, default=0, help="first step, to resume the data from there")
    parser.add_argument("--batch", type=int, default=8, help="sequences a step")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--eval-sequences", type=int, default=64, help="of each component")
    parser.add_argument("--json", metavar="FILE", help="write the report there too")
    given = parser.parse_args()

    device = ("cuda" if torch.cuda.is_available() else "cpu") if given.device == "auto" else given.device
    half = device.startswith("cuda")

    def cast() -> Any:
        return torch.autocast("cuda", torch.bfloat16, enabled=half) if half else torch.autocast("cpu", enabled=False)

    torch.manual_seed(1)
    data = open_tokens(given.folder)
    stop = min(data.steps(given.batch), given.start + given.steps)
    if stop <= given.start:
        print(f"the run has {data.steps(given.batch)} steps of {given.batch} sequences", file=sys.stderr)
        return 2
    model = Model(data.vocab_size, data.length, given.width, given.layers, given.heads).to(device)
    size = sum(one.numel() for one in model.parameters())
    optimizer = torch.optim.AdamW(model.parameters(), lr=given.lr, betas=(0.9, 0.95), weight_decay=0.1)
    warmup = max(1, min(20, (stop - given.start) // 10))
    name = torch.cuda.get_device_name() if half else "CPU"
    print(f"{name}: {size / 1e6:.1f} M parameters, vocabulary {data.vocab_size:,}, sequences of {data.length:,}")
    print(f"steps {given.start} to {stop} of {data.steps(given.batch)}, {given.batch * data.length:,} tokens each")
    before = validation(model, data, given.batch, given.eval_sequences, device, cast)

    losses: list[torch.Tensor] = []
    seen = dict.fromkeys(data.components, 0)
    waited, began = 0.0, time.perf_counter()
    batches = ahead(data, given.batch, given.start, stop, depth=8)
    for step in range(given.start, stop):
        clock = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - clock
        for number, count in zip(*np.unique(batch.components, return_counts=True), strict=True):
            seen[data.components[int(number)]] += int(count)
        for group in optimizer.param_groups:
            done = (step - given.start) / max(1, stop - given.start)
            group["lr"] = (
                given.lr * min(1.0, (step - given.start + 1) / warmup) * (0.55 + 0.45 * math.cos(math.pi * done))
            )
        with cast():
            loss = loss_of(model, torch.from_numpy(batch.tokens).to(device, non_blocking=True), data.end)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.detach())
        if (step - given.start) % max(1, (stop - given.start) // 10) == 0:
            print(f"step {step:>6}  loss {float(losses[-1]):.3f}")
    if half:
        torch.cuda.synchronize()
    took = time.perf_counter() - began
    after = validation(model, data, given.batch, given.eval_sequences, device, cast)
    first, last = float(losses[0]), float(torch.stack(losses[-5:]).mean())
    drawn = sum(seen.values())
    report = {
        "device": name, "parameters": size, "steps": stop - given.start, "ln_vocabulary": math.log(data.vocab_size),
        "loss_start": first, "loss_end": last, "validation_start": before, "validation_end": after,
        "tokens_per_second": round(drawn * data.length / took), "waiting_for_data": waited / took,
        "drawn": {one: count / drawn for one, count in seen.items()},
        "planned": {one: facts["share"] for one, facts in data.facts["components"].items()},
    }  # fmt: skip
    print(f"\nloss {first:.3f} (ln V = {report['ln_vocabulary']:.3f}) -> {last:.3f}")
    print("validation loss by component:")
    for one in after:
        print(f"  {one:<16}{before[one]:>8.3f} -> {after[one]:.3f}")
    print("share of the sequences, drawn and planned:")
    for one, count in seen.items():
        print(f"  {one:<16}{count / drawn:>8.1%}{report['planned'][one]:>8.1%}")
    print(f"{report['tokens_per_second']:,} tokens/s, {waited / took:.2%} of the time waiting for data")
    if given.json:
        Path(given.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if last < first else 1


if __name__ == "__main__":
    sys.exit(main())
