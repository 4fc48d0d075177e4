"""The tokenizer of a model folder, as ``transformers`` reads and writes it, and its tokenizer objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import tokenizers

from tokencraft.errors import VocabularyError
from tokencraft.report import write_json, write_text
from tokencraft.vocabulary import files, formats, specials, tokenizers_export, tokenizers_json
from tokencraft.vocabulary.gguf import gguf_pre_tokenizer
from tokencraft.vocabulary.kinds import Origin, TokenKind
from tokencraft.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_FAST = "PreTrainedTokenizerFast"
_CONFIG = "tokenizer_config.json"
_TEMPLATE = "chat_template.jinja"
_MODELS = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "sentencepiece.model")
_ROLE_KEYS = tuple(f"{role}_token" for role in specials.ROLES)
# Said by other fields of a Vocabulary, or true only of the folder that was read.
_NOT_KEPT = {
    *_ROLE_KEYS,
    "added_tokens_decoder",
    "additional_special_tokens",
    "auto_map",
    "backend",
    "chat_template",
    "is_local",
    "local_files_only",
    "name_or_path",
    "special_tokens_map_file",
    "tokencraft",
    "tokenizer_class",
    "tokenizer_file",
    "tokenizer_object",
    "vocab_file",
}


def read(folder: Path) -> Vocabulary:
    """The vocabulary of a model folder, with the roles and the chat template that its configuration names.

    Raises:
        VocabularyError: where the folder holds no tokenizer that can be read.
    """
    vocabulary = formats.load(_main_file(folder))
    named_in = [folder / "special_tokens_map.json", folder / _CONFIG]
    settings: dict[str, Any] = {}
    for path in named_in:
        if path.is_file():
            settings |= files.read_json(path)
    if (template := _chat_template(folder)) is not None:
        settings["chat_template"] = template
    return _configured(vocabulary, settings, str(folder / _CONFIG))


def write(vocabulary: Vocabulary, folder: Path, tokenizer_class: str = _FAST) -> None:
    """Write ``tokenizer.json``, ``tokenizer_config.json`` and the chat template, each whole or not at all.

    Args:
        vocabulary: what to write.
        folder: where.
        tokenizer_class: the class that ``AutoTokenizer`` is to make of it.

    Raises:
        VocabularyError: where the files cannot hold the vocabulary, or the path is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise VocabularyError(f"{folder}: is a file; name a folder, or a file ending in .json or .tiktoken")
    document = tokenizers_export.to_document(vocabulary)
    if vocabulary.algorithm == "two-paths":
        tokenizer_class = "TwoPathTokenizer"
    settings = settings_of(vocabulary, tokenizer_class)
    if _class_is_overruled(folder):
        # For a few model types AutoTokenizer of transformers 5 takes its own class, which throws the pre-tokenizer of
        # tokenizer.json away. An auto_map is the one entry that makes it honour tokenizer_class; without
        # trust_remote_code nothing is ever loaded by it.
        settings["auto_map"] = {"AutoTokenizer": [None, f"tokenizer.{tokenizer_class}"]}
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "tokenizer.json", json.dumps(document, ensure_ascii=False, indent=2))
    template = settings.get("chat_template")
    if isinstance(template, str):
        write_text(folder / _TEMPLATE, settings.pop("chat_template"))
    write_json(folder / _CONFIG, settings)


def from_tokenizer(tokenizer: PreTrainedTokenizerFast | tokenizers.Tokenizer) -> Vocabulary:
    """See :meth:`Vocabulary.from_tokenizer`."""
    if isinstance(tokenizer, tokenizers.Tokenizer):
        return _parse(tokenizer)
    for ours in ("concept_vocabulary", "two_path_vocabulary"):
        if (vocabulary := getattr(tokenizer, ours, None)) is not None:
            return cast(Vocabulary, vocabulary)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, tokenizers.Tokenizer):
        raise VocabularyError(
            f"{type(tokenizer).__name__} is no tokenizers.Tokenizer and has none inside; pass a fast tokenizer"
        )
    settings = {key: value for key, value in tokenizer.init_kwargs.items() if _is_json(value)}
    settings |= {key: str(getattr(tokenizer, key)) for key in _ROLE_KEYS if getattr(tokenizer, key, None)}
    if tokenizer.chat_template is not None:
        settings["chat_template"] = tokenizer.chat_template
    return _configured(_parse(backend), settings, type(tokenizer).__name__)


def to_transformers(vocabulary: Vocabulary) -> PreTrainedTokenizerFast:
    """See :meth:`Vocabulary.to_transformers`."""
    from transformers import PreTrainedTokenizerFast

    if vocabulary.algorithm == "two-paths":
        from tokencraft.vocabulary.two_path_tokenizer import TwoPathTokenizer

        return TwoPathTokenizer.from_vocabulary(vocabulary)
    settings = settings_of(vocabulary)
    del settings["tokenizer_class"]
    return PreTrainedTokenizerFast(tokenizer_object=vocabulary.to_tokenizers(), **settings)


def _parse(tokenizer: tokenizers.Tokenizer) -> Vocabulary:
    try:
        text = tokenizer.to_str()
    except Exception as error:  # The library raises bare Exception, for parts written in Python among others.
        raise VocabularyError(f"the tokenizer cannot be written down: {error}") from None
    return tokenizers_json.parse(files.parse_json(text, "the tokenizer"), "the tokenizer")


def _main_file(folder: Path) -> Path:
    for name in ("tokenizer.json", "tokenizer.json.gz", *_MODELS):
        if (folder / name).is_file():
            return folder / name
    ranks = sorted([*folder.glob("*.tiktoken"), *folder.glob("*.tiktoken.gz")])
    if len(ranks) == 1:
        return ranks[0]
    if ranks:
        names = ", ".join(path.name for path in ranks)
        raise VocabularyError(f"{folder}: holds several rank files ({names}); name the one to load")
    hint = "; save it with a fast tokenizer of transformers first" if (folder / "vocab.json").is_file() else ""
    expected = ", ".join(("tokenizer.json", *_MODELS, "*.tiktoken"))
    raise VocabularyError(f"{folder}: a folder without a tokenizer; expected one of {expected}{hint}")


def _chat_template(folder: Path) -> str | list[dict[str, str]] | None:
    """The template beside the configuration; a list of named ones where there are several."""
    main = folder / _TEMPLATE
    default = _text(main) if main.is_file() else None
    others = [
        {"name": path.stem, "template": _text(path)}
        for path in sorted((folder / "additional_chat_templates").glob("*.jinja"))
    ]
    if default is None or not others:
        return default
    return [{"name": "default", "template": default}, *others]


def _text(path: Path) -> str:
    try:
        return files.read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise VocabularyError(f"{path}: not UTF-8 at byte {error.start}") from None


def _configured(vocabulary: Vocabulary, settings: Mapping[str, Any], where: str) -> Vocabulary:
    """The vocabulary with what a ``tokenizer_config.json`` says about it."""
    config = {key: value for key, value in settings.items() if key not in _NOT_KEPT}
    extra = settings.get("additional_special_tokens") or []
    if isinstance(config.get("extra_special_tokens"), list):  # The name for the same list since transformers 5.
        extra = [*extra, *config.pop("extra_special_tokens")]
    listed = settings.get("added_tokens_decoder")
    listed = [entry for entry in listed.values() if isinstance(entry, Mapping)] if isinstance(listed, Mapping) else []
    before = [_content(entry, where) for entry in listed if entry.get("special")]
    roles = {key.removesuffix("_token"): _content(settings[key], where) for key in _ROLE_KEYS if settings.get(key)}
    after = [_content(token, where) for token in extra]
    # In the order of transformers, so that tokens which tokenizer.json lacks get the same ids.
    vocabulary = vocabulary.with_specials(before).with_specials(roles=roles).with_specials(after)
    if roles:
        # What the file names is all there is; guesses by spelling are for files that name nothing.
        names = {
            vocabulary.pieces[identifier]: identifier
            for identifier, kind in enumerate(vocabulary.kinds)
            if kind == TokenKind.SPECIAL
        }
        unknown = {"unk": vocabulary.flags.unk_token} if vocabulary.flags.unk_token else {}
        vocabulary = vocabulary.replace(special_tokens=specials.by_role(names, unknown | roles))
    template = settings.get("chat_template")
    if isinstance(template, Mapping):
        template = [{"name": name, "template": text} for name, text in template.items()]
    if isinstance(template, list):
        config["chat_template"] = template
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, Mapping)}
        template = named.get("default")
    ours = settings.get("tokencraft")
    return vocabulary.replace(
        chat_template=template if isinstance(template, str) else None,
        config=config,
        origin=Origin.from_json(ours.get("origin")) if isinstance(ours, Mapping) else vocabulary.origin,
    )


def _content(token: Any, where: str) -> str:
    """The string of a special token, which configurations give as a string or with its flags."""
    content = token.get("content") if isinstance(token, Mapping) else getattr(token, "content", token)
    if not isinstance(content, str) or not content:
        raise VocabularyError(
            f"{where}: {token!r:.100} is no special token; expected a string or an object with content"
        )
    return content


def settings_of(vocabulary: Vocabulary, tokenizer_class: str = _FAST) -> dict[str, Any]:
    """The ``tokenizer_config.json`` of a vocabulary."""
    settings: dict[str, Any] = {"clean_up_tokenization_spaces": False, **vocabulary.config}
    settings["tokenizer_class"] = tokenizer_class
    roles = {role: vocabulary.pieces[identifier] for role, identifier in vocabulary.special_tokens.items()}
    settings |= {f"{role}_token": content for role, content in roles.items() if role in specials.ROLES}
    others = [content for role, content in roles.items() if role not in specials.ROLES]
    if others and "extra_special_tokens" not in settings:
        settings["additional_special_tokens"] = others
    if vocabulary.chat_template is not None:
        named = settings.get("chat_template")
        if isinstance(named, list):
            kept = [entry for entry in named if entry.get("name") != "default"]
            settings["chat_template"] = [{"name": "default", "template": vocabulary.chat_template}, *kept]
        else:
            settings["chat_template"] = vocabulary.chat_template
    if vocabulary.origin:
        settings["tokencraft"] = {"origin": vocabulary.origin.to_json()}
        if (name := gguf_pre_tokenizer(vocabulary.splitter)) is not None:
            settings["tokencraft"]["gguf_pre_tokenizer"] = name
    return settings


def _class_is_overruled(folder: Path) -> bool:
    """Whether ``AutoTokenizer`` would ignore the tokenizer class that this model folder's configuration names."""
    if not (folder / "config.json").is_file():
        return False
    from transformers.models.auto import tokenization_auto as auto

    model_type = files.read_json(folder / "config.json").get("model_type")
    overruled = getattr(auto, "MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS", ())
    own_class = getattr(auto, "TOKENIZER_MAPPING_NAMES", {}).get(model_type)
    return model_type in overruled and own_class not in (None, "TokenizersBackend", "PreTrainedTokenizerFast")


def _is_json(value: Any) -> bool:
    """Whether a setting is plain JSON; tokenizer objects are not."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
