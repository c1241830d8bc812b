"""Which language a text is in."""

import pytest

from ingest.language import language_of

KEYS = "The keys of the rooms are handed in at the reception at night."
SCHLUESSEL = "Die Schlüssel der Zimmer werden abends an der Rezeption abgegeben."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (KEYS, "en"),
        (SCHLUESSEL, "de"),
        ("Les clés des chambres sont rendues à la réception le soir.", "fr"),
        ("Las llaves de las habitaciones se entregan en la recepción por la noche.", "es"),
        ("Ключи от комнат сдаются вечером на стойке регистрации.", "ru"),
        ("Huoneiden avaimet palautetaan illalla vastaanottoon.", "fi"),
        ("Nøklane til romma blir leverte i resepsjonen om kvelden.", "no"),
        ("Ang mga susi ng kuwarto ay ibinabalik sa reception tuwing gabi.", "tl"),
        ("部屋の鍵は夜に受付に返却されます。", "ja"),
        ("房间钥匙晚上交到前台。", "zh"),
        ("กุญแจห้องจะถูกส่งคืนที่แผนกต้อนรับในตอนเย็น", "th"),
    ],
)
def test_a_sentence_tells_its_language(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["", " \n", "12, 34.5; 6", "🙂 !?", "\0", "x = f(a)[b]", "Ok."])
def test_what_does_not_tell_is_not_guessed(text: str) -> None:
    assert language_of(text) == ""


def test_a_long_text_is_what_most_of_it_is() -> None:
    assert language_of(KEYS + SCHLUESSEL * 500) == "de"
    assert language_of(SCHLUESSEL * 2 + KEYS * 500 + "0" * 9_000) == "en"
