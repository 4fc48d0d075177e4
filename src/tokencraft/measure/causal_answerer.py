"""A causal language model of ``transformers`` answers prompts, greedily, and says how sure it was of every token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tokencraft.errors import ModelError, UsageError
from tokencraft.measure.addition_bench import Prompt
from tokencraft.vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_TOP = 5


class TokenChoice(NamedTuple):
    """A token of an answer, with what else could have stood there.

    Args:
        text: of the token that was taken.
        alternatives: texts of the five likeliest tokens, likeliest first.
        log_probabilities: of those, in nats.
    """

    text: str
    alternatives: tuple[str, ...]
    log_probabilities: tuple[float, ...]


class ModelAnswer(NamedTuple):
    """What a model wrote.

    Args:
        text: up to the end of the line for a model that is no chat model.
        tokens: every token that was generated, the end included.
    """

    text: str
    tokens: tuple[TokenChoice, ...]


@dataclass(frozen=True, eq=False)
class CausalAnswerer:
    """Answers prompts with any causal language model, for :meth:`AdditionBench.run`.

    A tokenizer with a chat template gets messages; any other gets lines of examples and answers with a line.

    Args:
        model: on its device; it is set to evaluation for the answers.
        tokenizer: its tokenizer, or a vocabulary.
        max_new_tokens: where an answer ends at the latest; single digits need more than groups.
        batch_size: prompts at once.

    Raises:
        UsageError: a number is less than 1.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase | Vocabulary
    max_new_tokens: int = 20
    batch_size: int = 16

    def __post_init__(self) -> None:
        """Check the arguments."""
        if self.max_new_tokens < 1 or self.batch_size < 1:
            raise UsageError("max_new_tokens and batch_size are 1 or more")

    def __call__(self, prompts: Sequence[Prompt]) -> list[str]:
        """The texts of the answers."""
        return [answer.text for answer in self.ask(prompts)]

    def ask(self, prompts: Sequence[Prompt]) -> list[ModelAnswer]:
        """Answers with the likeliest tokens.

        Raises:
            ModelError: a prompt does not fit into the model, or the tokenizer has ids that the model lacks.
        """
        import torch

        tokenizer: Any = self.tokenizer.to_transformers() if isinstance(self.tokenizer, Vocabulary) else self.tokenizer
        chat = getattr(tokenizer, "chat_template", None) is not None
        encoded = [_encode(tokenizer, prompt, chat) for prompt in prompts]
        self._check(encoded)
        answers: list[ModelAnswer | None] = [None] * len(encoded)
        order = sorted(range(len(encoded)), key=lambda index: len(encoded[index]))
        training = self.model.training
        self.model.eval()
        try:
            for start in range(0, len(order), self.batch_size):
                part = order[start : start + self.batch_size]
                with torch.inference_mode():
                    found = self._generate(tokenizer, [encoded[index] for index in part], chat)
                for index, answer in zip(part, found, strict=True):
                    answers[index] = answer
        finally:
            self.model.train(training)
        return [answer for answer in answers if answer is not None]

    def _generate(self, tokenizer: Any, batch: list[list[int]], chat: bool) -> list[ModelAnswer]:
        """One batch, padded on the left so that all answers start at the same place."""
        import torch

        width = max(map(len, batch))
        padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        ids = torch.tensor([[padding] * (width - len(each)) + each for each in batch], device=self.model.device)
        mask = torch.tensor([[0] * (width - len(each)) + [1] * len(each) for each in batch], device=self.model.device)
        model: Any = self.model
        output = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=self.max_new_tokens,
            do_sample=False,
            num_beams=1,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=padding,
            return_dict_in_generate=True,
            output_logits=True,
        )
        # [batch, steps, top]
        top = torch.stack([step.float().log_softmax(-1) for step in output.logits], 1).topk(_TOP, -1)
        ends = model.generation_config.eos_token_id
        stops = set(ends if isinstance(ends, list) else [ends]) - {None}
        answers = []
        for row, written in enumerate(output.sequences[:, width:].tolist()):
            length = next((at + 1 for at, token in enumerate(written) if token in stops), len(written))
            text = tokenizer.decode(written[:length], skip_special_tokens=True, clean_up_tokenization_spaces=False)
            choices = tuple(
                TokenChoice(
                    tokenizer.decode([written[at]]),
                    tuple(tokenizer.decode([other]) for other in top.indices[row, at].tolist()),
                    tuple(top.values[row, at].tolist()),
                )
                for at in range(length)
            )
            answers.append(ModelAnswer(text if chat else text.partition("\n")[0], choices))
        return answers

    def _check(self, encoded: list[list[int]]) -> None:
        """Before the first of many batches."""
        longest = max(map(len, encoded), default=0) + self.max_new_tokens
        room = getattr(self.model.config, "max_position_embeddings", None)
        if room is not None and longest > room:
            raise ModelError(f"prompt and answer take {longest} tokens, but the model reads {room}: use fewer shots")
        rows = self.model.get_input_embeddings().weight.shape[0]
        highest = max((max(ids, default=0) for ids in encoded), default=0)
        if highest >= rows:
            raise ModelError(f"the tokenizer has id {highest}, the model only {rows}: they do not belong together")


def _encode(tokenizer: Any, prompt: Prompt, chat: bool) -> list[int]:
    """Token ids of a prompt; a chat template writes its own special tokens."""
    if not chat:
        return list(tokenizer(prompt.text())["input_ids"])
    text = tokenizer.apply_chat_template(prompt.messages(), tokenize=False, add_generation_prompt=True)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
