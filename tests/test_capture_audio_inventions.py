# ruff: noqa: RUF001  # letters of other scripts are meant
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.audio_inventions import Draft, echoes, objection, repeats, strip_notes

CLEAR = Draft("What colour is the sofa?", 0.05, -0.2, 1.0)
WORDS = st.lists(st.sampled_from("a b c d e".split()), max_size=12)


def _objection(text: str, no_speech: float = 0.05, logprob: float = -0.2, above: float = 30.0) -> str:
    return objection(Draft(text, no_speech, logprob, 1.0), above, 0.9)


def test_a_clear_question_is_kept() -> None:
    assert objection(CLEAR, 30.0, 0.95) == ""
    assert objection(CLEAR, 8.0, 0.3) == ""


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (Draft("you", 0.95, -0.4, 0.3), "no speech"),
        (Draft("What is it?", 0.7, -1.2, 0.3), "no speech"),
        (Draft("What is it?", 0.1, -1.2, 0.3), "not clear"),
        (Draft("la " * 50, 0.1, -0.2, 9.0), "over and over"),
        (Draft("no no no no no no", 0.1, -0.2, 1.0), "over and over"),
        (Draft("  ", 0.1, -0.2, 1.0), "no words"),
        (Draft("[MUSIC] (wind) ♪ *sighs* ...", 0.1, -0.2, 1.0), "no words"),
        (Draft("\uff08拍手\uff09【音楽】", 0.1, -0.2, 1.0), "no words"),
    ],
)
def test_what_whisper_doubts_or_repeats_is_not_heard(draft: Draft, reason: str) -> None:
    assert reason in objection(draft, 30.0, 0.95)


@pytest.mark.parametrize(
    "text", ["Thank you.", "Thanks for watching!", " you", "I\u2019ll see you in the next video."]
)
def test_well_known_inventions_count_only_where_hardly_anything_was_heard(text: str) -> None:
    assert "too quiet" in _objection(text, above=5.0)
    assert "too quiet" in objection(Draft(text, 0.05, -0.2, 1.0), 30.0, 0.3)
    assert _objection(text, above=30.0) == ""


CREDITS = """
    Thanks for watching | Please subscribe to my channel | Subtitles by the Amara.org community
    Thank you | Untertitelung des ZDF, 2020 | Vielen Dank fürs Zuschauen! | Bis zum nächsten Mal.
    Danke. | Copyright WDR 2021 | ¡Gracias por ver el video! | ¡Suscríbete al canal!
    Subtítulos por la comunidad de Amara.org | Gracias. | Sous-titrage ST' 501
    Merci d'avoir regardé cette vidéo ! | N'hésitez pas à vous abonner | Merci.
    Sottotitoli e revisione a cura di QTSS | Grazie per la visione | Iscrivetevi al canale | Grazie.
    Legendas pela comunidade Amara.org | Obrigado por assistir | Inscreva-se no canal | Obrigada.
    Ondertiteld door de gemeenschap | Bedankt voor het kijken | Vergeet niet te abonneren
    Napisy stworzone przez społeczność | Dziękuję za oglądanie | Zasubskrybuj kanał | Dziękuję.
    Altyazı M.K. | İzlediğiniz için teşekkür ederim | Abone olmayı unutmayın | Teşekkürler
    Субтитры сделал DimaTorzok | Спасибо за просмотр | Продолжение следует... | Подписывайтесь на канал
    Субтитрувальниця Оля | Дякую за перегляд! | Підписуйтесь на канал | 字幕志愿者 杨栋梁
    请不吝点赞 订阅 转发 | 謝謝觀看 | 感谢您的观看 | 谢谢大家 | ご視聴ありがとうございました
    チャンネル登録よろしくお願いします | 次の動画でお会いしましょう
    시청해주셔서 감사합니다. | 구독과 좋아요 부탁드립니다 | MBC 뉴스 김성현입니다 | 한글자막 by 한효정
    ترجمة نانسي قنقر | شكرا على المشاهدة | اشتركوا في القناة | شكرًا | Undertexter av Ai-Media
    Tack för att ni tittade! | Svensktextning.nu | Tack. | Undertekster av Ai-Media
    Takk for at du så på | Tekstet av Nicolai Winther | Danske tekster af Nicolai Winther
    Tak fordi I kiggede med | Abonner på kanalen | Tekstitys: BTI Studios | Kiitos katsomisesta
    Tilaa kanava | Titulky vytvořil JohnyX | Děkuji za pozornost | Odebírejte kanál
    Vă mulțumim pentru vizionare | Abonați-vă la canal | Feliratok | Köszönöm, hogy megnézték!
    Iratkozz fel a csatornára | Υπότιτλοι AUTHORWAVE | Ευχαριστώ που παρακολουθήσατε
    Εγγραφείτε στο κανάλι | תודה על הצפייה | כתוביות | הירשמו לערוץ | देखने के लिए धन्यवाद
    चैनल को सब्सक्राइब करें | Terima kasih telah menonton | Sampai jumpa di video selanjutnya
    Cảm ơn các bạn đã theo dõi | Hãy đăng ký kênh | Phụ đề | ขอบคุณที่รับชม | กดติดตาม
    Gràcies per mirar el vídeo | Subtítols realitzats per la comunitat
"""
QUESTIONS = """
    Welche Farbe hat das Sofa | Danke und was steht auf dem Tisch | Merci, et où est la lampe ?
    Que cor é o sofá | Jakie napisy są na plakacie? | Какая подпись на картине
    Спасибо, а что на столе? | 沙发是什么颜色 | ソファは何色ですか | 소파는 무슨 색이에요
    ما لون الأريكة | Vad är det för färg på lampan | Τι έγγραφο είναι στο τραπέζι | मेज़ पर क्या है
    Co je na stole | Kuinka monta tuolia on | Ghế sofa màu gì | โซฟาสีอะไร
    Läuft auf dem Fernseher das ZDF? | Is there a subtitle on the screen? | מה צבע הספה
    Mi van az asztalon | ¿Hay un video en la tele?
"""


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.replace("\n    ", " | ").split(" | ") if one.strip()]


@pytest.mark.parametrize("text", _listed(CREDITS))
def test_credits_and_thanks_of_other_languages_count_only_where_hardly_anything_was_heard(text: str) -> None:
    assert objection(Draft(text, 0.4, -0.4, 0.9), 5.0, 0.3)
    assert _objection(text, above=30.0) == ""


@pytest.mark.parametrize("text", _listed(QUESTIONS))
def test_quiet_questions_of_other_languages_are_kept(text: str) -> None:
    assert objection(Draft(text, 0.4, -0.4, 0.9), 5.0, 0.3) == ""


@pytest.mark.parametrize(
    "text",
    [
        "ソファは何色ですか" * 5,
        "沙发是什么颜色？" * 4,
        "โซฟาสีอะไร" * 4,
        "소파는무슨색이에요" * 4,
        "はい、" * 12,
        "啊" * 20,
    ],
)
def test_words_over_and_over_are_found_where_no_spaces_are_written(text: str) -> None:
    assert "over and over" in objection(Draft(text, 0.1, -0.3, 2.3), 30.0, 0.9)
    assert "over and over" not in objection(Draft(text[:9], 0.1, -0.3, 1.0), 30.0, 0.9)


def test_an_echo_is_found_where_no_spaces_are_written() -> None:
    assert echoes("何色ですか？", "ソファは何色ですか") and not echoes("何色でしょう", "ソファは何色ですか")


def test_an_echo_of_the_hint_counts_only_where_hardly_anything_was_heard() -> None:
    echo = Draft("Where is it?", 0.05, -0.2, 1.0, echo=True)
    assert "too quiet" in objection(echo, 5.0, 0.95) and "too quiet" in objection(echo, 30.0, 0.3)
    assert objection(echo, 30.0, 0.95) == ""


@given(WORDS, WORDS.filter(bool), WORDS)
def test_words_of_the_hint_in_their_order_are_an_echo(
    before: list[str], said: list[str], after: list[str]
) -> None:
    hint = " ".join([*before, *said, *after])
    assert echoes(f" {' '.join(said).upper()}?", hint)
    assert not echoes(" ".join([*said, "x"]), hint) and not echoes(" ".join(said)[:-1] + "xa", hint)
    assert not echoes("...", hint) and not echoes(" ".join(said), "")


def test_a_question_with_a_polite_word_in_it_is_kept() -> None:
    assert _objection("Thank you, and what is on the table?", above=5.0) == ""


@given(st.text(max_size=80))
def test_what_is_spoken_has_no_controls_and_stays(text: str) -> None:
    words = strip_notes(text)
    assert words == " ".join(words.split()) and words.isprintable() == all(c.isprintable() for c in words)
    assert "\x1b" not in words and "\n" not in words


@given(WORDS, st.lists(st.sampled_from("xyz"), min_size=1, max_size=6, unique=True), st.integers(6, 9), WORDS)
def test_groups_that_are_said_over_and_over_are_found(
    before: list[str], group: list[str], times: int, after: list[str]
) -> None:
    assert repeats([*before, *(group * times), *after])


@given(st.lists(st.integers(), unique=True, max_size=30), st.integers(1, 3))
def test_words_said_a_few_times_are_no_repeats(numbers: list[int], times: int) -> None:
    assert not repeats([str(number) for number in numbers for _ in range(times)])
