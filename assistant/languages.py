"""Languages that a person may have answers in, whatever the question's is."""

from collections.abc import Mapping

from ingest.index.errors import InputError

LANGUAGES: Mapping[str, str] = {
    "ar": "Arabic",
    "zh": "Chinese",
    "cs": "Czech",
    "da": "Danish",
    "nl": "Dutch",
    "en": "English",
    "fi": "Finnish",
    "fr": "French",
    "de": "German",
    "el": "Greek",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "no": "Norwegian",
    "fa": "Persian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "es": "Spanish",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
}
"""ISO 639-1 code to the English name, by which models know it."""


def language_name(code: str | None) -> str | None:
    """Return the name of a language, None for the question's own.

    Raises:
        InputError: answers cannot be had in it.
    """
    if code is None:
        return None
    if code not in LANGUAGES:
        raise InputError(
            f"Answers cannot be had in {code!r}.", f"Choose one of {', '.join(LANGUAGES)}."
        )
    return LANGUAGES[code]
