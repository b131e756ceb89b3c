"""Configurations for the trainers: GPT-NeoX, with Llemma 7B's model, and Megatron-Core's blend."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["BATCH_TOKENS", "megatron_blend", "neox_config"]

BATCH_TOKENS = 4_194_304
"""Tokens of a batch of Llemma 7B: 4 M (arXiv 2310.10631; 1,024 sequences of 4,096)."""

WARMUP_STEPS, DECAY_STEPS = 500, 48_000


def megatron_blend(
    paths: Mapping[str, Mapping[str, str]], weights: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """What ``--per-split-data-args-path`` of Megatron-Core takes: weight and path prefix in turn, split by split."""
    names = {"train": "train", "validation": "valid", "test": "test"}
    return {
        ours: [item for one, path in paths.get(split, {}).items() for item in (f"{weights[split][one]:.6g}", path)]
        for split, ours in names.items()
    }


def neox_config(
    paths: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, Mapping[str, float]],
    tokenizer: str,
    vocab_size: int,
    length: int,
    tokens: int,
) -> str:
    """A GPT-NeoX configuration that trains Llemma 7B for ``tokens`` tokens: JSON, which is YAML, after its comments.

    ``paths`` are prefixes of ``.bin`` and ``.idx`` by split and component. The model is Llama 2 7B's shape as in
    GPT-NeoX ``configs/llama2/7B.yml`` (2026), with what Llemma changed of Code Llama (context, RoPE base). Its
    ``intermediate-size`` of 32,768 is what NeoX makes Llama's 11,008 of: 2/3 if gated, halved, rounded up.
    """
    config: dict[str, Any] = {}
    for split, ours in (("train", "train"), ("validation", "valid"), ("test", "test")):
        config[f"{ours}-data-paths"] = list(paths.get(split, {}).values())
        config[f"{ours}-data-weights"] = [round(weights[split][one], 6) for one in paths.get(split, {})]
    steps = max(1, -(-tokens // BATCH_TOKENS))
    config |= {
        "data-impl": "mmap",
        "tokenizer-type": "HFTokenizer" if tokenizer.endswith(".json") else "SPMTokenizer",
        "vocab-file": tokenizer,
        "make-vocab-size-divisible-by": 128,
        "pipe-parallel-size": 1,
        "model-parallel-size": 2,
        "num-layers": 32,
        "hidden-size": 4096,
        "intermediate-size": 32_768,
        "num-attention-heads": 32,
        "seq-length": length,
        "max-position-embeddings": length,
        "pos-emb": "rotary",
        "rotary-pct": 1,
        "rotary-emb-base": 10_000,
        "no-weight-tying": True,
        "gpt-j-residual": False,
        "output-layer-parallelism": "column",
        "norm": "rmsnorm",
        "rms-norm-epsilon": 1.0e-5,
        "attention-config": [[["flash"], 32]],
        "scaled-upper-triang-masked-softmax-fusion": True,
        "bias-gelu-fusion": False,
        "use-bias-in-norms": False,
        "use-bias-in-attn-linear": False,
        "activation": "swiglu",
        "mlp-multiple-of": 256,
        "optimizer": {"type": "Adam", "params": {"lr": 1.0e-4, "betas": [0.9, 0.95], "eps": 1.0e-8}},
        "min-lr": 3.3e-6,
        "lr-decay-style": "cosine",
        "lr-decay-iters": max(steps, DECAY_STEPS),
        "warmup": round(WARMUP_STEPS / max(steps, DECAY_STEPS), 6),
        "train-iters": steps,
        "train-micro-batch-size-per-gpu": 4,
        "gradient-accumulation-steps": 2,
        "gradient-clipping": 1.0,
        "weight-decay": 0.1,
        "hidden-dropout": 0,
        "attention-dropout": 0,
        "precision": "bfloat16",
        "zero-optimization": {"stage": 1, "overlap-comm": True, "reduce-scatter": True, "contiguous-gradients": True},
        "checkpoint-activations": True,
        "checkpoint-num-layers": 1,
        "checkpoint-factor": 1000,
        "eval-interval": 250,
        "eval-iters": 10,
        "log-interval": 10,
    }
    return "\n".join([*_comments(vocab_size, steps), json.dumps(config, indent=2), ""])


def _comments(vocab_size: int, steps: int) -> Sequence[str]:
    return (
        "# Written by proofpile2. Data: this mixture. Model: Llemma 7B (Llama 2 7B's shape, RoPE base 10,000).",
        "# Documented: 200 B tokens, batches of 4 M tokens, the RoPE base, the weights.",
        "# From memory of the paper, check before a long run: context 4,096, bfloat16, 42,000 steps, learning rate",
        "# 1e-4, 500 steps of warm-up, cosine to 1/30 over 48,000 steps. Adam's numbers, clipping and decay are",
        "# those of GPT-NeoX's Llama files.",
        f"# {steps:,} steps of {BATCH_TOKENS:,} tokens. The batch is 256 GPUs x 4 sequences x 2 accumulations / 2",
        "# (model parallel) x 4,096: keep the product when you change the number of GPUs.",
        "# For the commit of GPT-NeoX that trained Llemma (e59c873) leave intermediate-size out: it is computed there.",
        f"# The vocabulary has {vocab_size:,} ids; Llemma itself starts from Code Llama 7B's weights and tokenizer.",
    )
