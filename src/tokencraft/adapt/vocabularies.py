"""The new vocabulary, which keeps the old one's special tokens, and the plain BPE of its size to compare it with."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tokencraft.adapt.options import AdaptOptions
from tokencraft.corpus import Corpus
from tokencraft.learn import BPE, SuperBPE
from tokencraft.vocabulary import TokenKind, Vocabulary

#: Entries of ``tokenizer_config.json`` that say how the model is used, whatever its vocabulary.
KEPT_SETTINGS = ("model_max_length", "padding_side", "truncation_side", "add_bos_token", "add_eos_token")


def learn_vocabulary(options: AdaptOptions, old: Vocabulary, train: Corpus, *, method: str) -> Vocabulary:
    """Learn a vocabulary of the size asked for that has the special tokens, roles and chat template of ``old``.

    Args:
        options: size, transition and threads.
        old: the vocabulary of the model.
        train: what to learn from.
        method: ``"superbpe"`` or ``"bpe"``.
    """
    kept = kept_tokens(old)
    size = options.vocab_size or len(old)
    learner: BPE | SuperBPE
    if method == "superbpe":
        learner = SuperBPE(
            vocab_size=size,
            transition=options.transition,
            stage2=options.stage2,
            unit=options.unit or "line",
            special_tokens=kept,
        )
    else:
        learner = BPE(vocab_size=size, special_tokens=kept)
    return carry_over(old, learner.train(train, threads=options.thread_count))


def kept_tokens(old: Vocabulary) -> tuple[str, ...]:
    """Strings of ``old`` that a new vocabulary must have: its special and added tokens, in the order of their ids.

    Added tokens that are nothing but white space (GPT-NeoX has runs of spaces) are ordinary text to a new vocabulary.
    """
    added = {int(entry["id"]) for entry in old.added_tokens}
    strings = {
        number: old.tokens[number].decode("utf-8")
        for number, kind in enumerate(old.kinds)
        if kind == TokenKind.SPECIAL or number in added
    }
    return tuple(dict.fromkeys(text for _, text in sorted(strings.items()) if text.strip()))


def carry_over(old: Vocabulary, new: Vocabulary) -> Vocabulary:
    """``new`` with the roles, chat template and post-processor of ``old``, its ids translated."""
    text_of = {number: old.tokens[number].decode("utf-8") for number in old.special_tokens.values()}
    ids = special_ids(new)
    roles = {role: ids[text_of[number]] for role, number in old.special_tokens.items() if text_of[number] in ids}
    settings = {name: old.config[name] for name in KEPT_SETTINGS if name in old.config}
    return new.replace(
        special_tokens=roles,
        added_tokens=tuple(_with_flags(entry, old.added_tokens) for entry in new.added_tokens),
        config={**new.config, **settings},
        chat_template=old.chat_template,
        post_processor=retarget(old.post_processor, ids),
    )


def _with_flags(entry: Mapping[str, Any], old: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any]:
    """An added token with the flags it had: whether decoding may skip it, whether it strips the space beside it."""
    before = next((each for each in old if each["content"] == entry["content"]), entry)
    return {**before, "id": entry["id"]}


def special_ids(vocabulary: Vocabulary) -> dict[str, int]:
    """Id by string of the added tokens, special or not."""
    return {str(entry["content"]): int(entry["id"]) for entry in vocabulary.added_tokens}


def retarget(post_processor: Mapping[str, Any] | None, ids: Mapping[str, int]) -> dict[str, Any] | None:
    """A copy of a post-processor (tokenizers' JSON) in which special tokens have the ids of the new vocabulary."""
    if post_processor is None:
        return None
    result: dict[str, Any] = copy.deepcopy(dict(post_processor))
    match result.get("type"):
        case "Sequence":
            result["processors"] = [retarget(part, ids) for part in result["processors"]]
        case "TemplateProcessing":
            for entry in result["special_tokens"].values():
                entry["ids"] = [ids[token] for token in entry["tokens"]]
        case "BertProcessing" | "RobertaProcessing":
            for end in ("sep", "cls"):
                token = result[end][0]
                result[end] = [token, ids[token]]
    return result


def special_token_table(old: Vocabulary, new: Vocabulary) -> list[dict[str, Any]]:
    """Every special token with its roles and its id before and after."""
    ids_before, ids_after = special_ids(old), special_ids(new)
    rows = []
    for text in kept_tokens(old):
        roles = sorted(
            role for role, number in new.special_tokens.items() if number == ids_after[text] and role != text
        )
        rows.append({"token": text, "roles": roles, "id_before": ids_before.get(text), "id_after": ids_after[text]})
    return rows
