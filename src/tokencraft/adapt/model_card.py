"""The model card: what a stranger who finds the folder must know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CARD = """\
---
library_name: transformers
pipeline_tag: text-generation
tags: [tokencraft, vocabulary-adaptation]
---

# {model_name}, adapted

The vocabulary of this causal language model was replaced by one learned from {corpus_name} ({method},
{vocab_size:,} entries); its embeddings were transplanted ({initializer}), and the model was trained for {steps:,} steps
on {bytes:,} bytes of that text. Made by `tokencraft adapt`; `report.json` and `report.html` in this folder hold
every number.

| on text held out | before | after |
|---|---|---|
| bytes per token | {before_bpt:.3f} | {after_bpt:.3f} |
| bits per byte | {before_bpb:.3f} | {after_bpb:.3f} |
{general}
Tokens saved against the old vocabulary: {saved:.1%}; against a plain BPE of the same size: {saved_bpe:.1%}.
{warnings}
## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("PATH")
tokenizer = AutoTokenizer.from_pretrained("PATH")
```

## Limits

It was trained on one corpus with a small budget. A prompt that ends inside a token that spans several words is split
differently from the same text within a longer document, as with every vocabulary that has such tokens.
"""


def render_card(report: Mapping[str, Any]) -> str:
    """The model card as Markdown with the metadata block of the Hugging Face Hub."""
    model, tokenizer, training = report["model"], report["tokenizer"], report["training"]
    general = ""
    if model["before"]["general_bits_per_byte"] is not None:
        before, after = (model[name]["general_bits_per_byte"] for name in ("before", "healed"))
        general = f"| bits per byte of general text | {before:.3f} | {after:.3f} |\n"
    warnings = "".join(f"\n> {warning}\n" for warning in report["warnings"])
    return _CARD.format(
        model_name=report["model_name"],
        corpus_name=report["corpus"]["name"],
        method=report["method"],
        initializer=report["initializer"],
        vocab_size=tokenizer["after"]["vocab_size"],
        steps=training["steps"],
        bytes=training["bytes"],
        before_bpt=tokenizer["before"]["bytes_per_token"],
        after_bpt=tokenizer["after"]["bytes_per_token"],
        before_bpb=model["before"]["bits_per_byte"],
        after_bpb=model["healed"]["bits_per_byte"],
        general=general,
        saved=report["tokens_saved"]["against_before"],
        saved_bpe=report["tokens_saved"]["against_bpe_same_size"],
        warnings=warnings,
    )
