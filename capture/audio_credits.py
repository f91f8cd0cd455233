"""Recognise what Whisper learnt from the ends of videos: credits, thanks, and pleas to subscribe.

By stems in the some 30 languages that it knows best, not by whole phrases: their wording varies, and it takes
one language for another. `_` is a word's end; accents and case do not count.
"""

import re
import unicodedata

_SHORT, _SHORT_UNSPACED = 3, 14
"""Words, or characters where no spaces are written, of thanks that say nothing else."""
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

_NAMES = """
    amara_ amaraorg dimatorzok ai_media aimedia qtss soustitreur zeoranger mooji opensubtitles radio_canada
    st_501 stephanie_geiges nicolai_winther castingwords otter_ai _www_ ghien_mi_go yoyo_television m_k_
    明镜 明鏡 点点栏目 點點欄目 李宗盛 独播剧场 mbc_뉴스 mbc뉴스 نانسي_قنقر коронован authorwave
"""
_CREDITS = """
    _subtit _untertit _sous_tit _legendas_ _legendado _legendagem _sottotit _ondertit _napisy_stworz
    _napisy_by_ _napisy_wykon _altyaz _субтитр _subtitul _subtitol _字幕 字幕 자막 _undertekst _undertext
    _tekstet_av _tekstning _teksting _textad textning _tekstity _suomennos _titulky _titulk _υποτιτλ
    _feliratok_ _feliratot_ _magyar_felirat _phu_đe_ คำบรรยาย ซับไตเติ้ล उपशीर्षक सबटाइटल _titlovi _prijevod
    _prevod_ _превод_ _субтитри _subtitrare _takarir _teks_oleh _terjemahan כתוביות ترجمة _copyright_ _zdf_
    _wdr_ _swr_ _gelderland_ _youtube_ ютуб _transcript _captions_by _captioned _redaktor _редактор
    _корректор _переклад _traducere _traduccion_ _tlumaczenie 翻訳 제공 _to_be_continued
    _продолжение_следует _продовження_ 未完待续 つづく
"""
_FAREWELLS = """
    _subscri _suscri _souscri _abonn _abone_ _iscriv _inscrev _inscreva _подписыва _подпиш _підписуй _підпиш
    subskryb _odebir _odber _prihlas _abonea _abonat _feliratkoz _iratkozz _εγγραφει _εγγραφη _συνδρομ
    _tilaa_ _tilatkaa _prenumerera _abonner _pretplat _абонир _subscreu _berlangganan _đang_ky_ 订阅 訂閱
    点赞 按讚 チャンネル登録 구독 좋아요_눌 알림_설정 اشترك الاشتراك הירשמו הרשמו מנוי सब्सक्राइब กดติดตาม
    กดไลค์ _next_video _nachsten_video _proximo_video _prochaine_video _prossimo_video _volgende_video
    _nasta_video _neste_video _næste_video _nastepnym_odcinku _nastepnym_film _sonraki_video
    _следующем_видео _следующей_серии _наступному_відео _pristim_videu _dalsim_videu _urmatorul_video
    _kovetkezo_video _επομενο_βιντεο _seuraavassa_video _video_berikutnya _video_selanjutnya
    _video_tiep_theo 下期 下个视频 下次再见 次の動画 次回の動画 また次回 다음_영상 다음_시간 الفيديو_القادم
    הסרטון_הבא अगले_वीडियो _proper_video
"""
_THANKS = """
    _thank _dank _bedankt _gracias _gracies _merci_ _obrigad _grazie _dziek _tesekkur _спасибо _дякую
    _благодар 谢谢 謝謝 感谢 感謝 ありがとう 감사 고맙 شكر _tack_ _takk_ _tak_ _kiito _kiitt _dekuj _dakuj
    _multum _koszon _ευχαριστ תודה धन्यवाद शुक्रिया _terima_kasih _cam_on_ _xin_cam_on_ ขอบคุณ _hvala
"""
_WATCHING = """
    _watch _view _listen _attention _support_ _zuschau _zuseh _zuhor _anseh _anschau _aufmerksam _ver_
    _vernos_ _visto_ _mirar _veure_ _escuch _atencion _regard _ecout _visionn _suivi _assist _ouvir_ _vision
    _guarda _ascolt _attenzione _kijk _kigge _sa_ _luister _aandacht _oglad _uwag _izle _dinle _просмотр
    _вниман _перегляд _увагу 观看 觀看 收看 聆听 收聽 视频 視頻 視聴 見て 清聴 시청 봐주 들어주 경청 مشاهد
    متابع استماع _titta _lyssn _uppmarksam _sett_ _ser_ _se_ _seer _fulgte _lytte _katso _kuunte _sledov
    _pozornost _vizion _urmari _atentie _nezt _megnez _figyel _παρακολουθ _προσοχ צפי הצפיה האזנה देखने
    सुनने _menonton _menyaksikan _xem_ _theo_doi ชม ติดตาม รับฟัง _gled _pratit _paznju
"""
_BYES = """
    tschuss napisy felirat auf_wiedersehen bis_dann bis_zum_nachsten_mal adios chao hasta_luego
    hasta_la_proxima au_revoir a_bientot tchau ate_logo ate_a_proxima ciao arrivederci alla_prossima doei
    dag tot_de_volgende_keer tot_ziens pa czesc do_zobaczenia do_widzenia hosca_kal gorusuruz gorusmek_uzere
    пока до_свидания до_встречи до_побачення бувай 再见 再見 拜拜 好 嗯 はい うん おやすみなさい さようなら
    では また 네 예 안녕 안녕히_계세요 مع_السلامة hej_da hej ha_det farvel hei_hei moikka nahdaan ahoj
    na_shledanou nashledanou dovidenia la_revedere viszlat szia γεια αντιο להתראות ביי नमस्ते sampai_jumpa
    tam_biet สวัสดี adeu fins_aviat ende fin fine koniec son konec vege τελος конец кінець 完 終わり 끝
    musik musique musica muzika muzyka müzik музыка музика 音乐 音樂 音楽 음악 موسيقى musiikkia hudba zene
    μουσικη
"""


def fold(text: str) -> str:
    """The words of a text in small letters without accents, one space around each."""
    marked = unicodedata.normalize("NFKD", text.casefold())
    plain = (letter for letter in marked if not unicodedata.category(letter).startswith("M"))
    return f" {' '.join(''.join(letter if letter.isalnum() else ' ' for letter in plain).split())} "


def _stems(text: str) -> tuple[str, ...]:
    # An end of a word is a space of the folded text.
    marked = (stem.replace("_", " ") for stem in text.split())
    return tuple(
        " " * stem.startswith(" ") + fold(stem).strip() + " " * stem.endswith(" ") for stem in marked
    )


_NAME, _CREDIT, _FAREWELL, _THANK, _WATCH = map(_stems, (_NAMES, _CREDITS, _FAREWELLS, _THANKS, _WATCHING))
_BYE = frozenset(fold(bye) for bye in _stems(_BYES))
_ASKS = re.compile(r"[?\uff1f\u061f;]")  # of Chinese, of Arabic, of Greek


def is_unspaced(text: str) -> bool:
    """Whether it holds a script that is written without spaces between words."""
    return _UNSPACED.search(text) is not None


def is_credit(text: str) -> bool:
    """Whether a text is what stands at the end of videos. A question with a polite word is none."""
    words = fold(text)
    if _has(words, _NAME) or words in _BYE:
        return True
    if _ASKS.search(text):
        return False
    if _has(words, _CREDIT) or _has(words, _FAREWELL):
        return True
    return _has(words, _THANK) and (_is_short(text, words) or _has(words, _WATCH))


def _has(words: str, stems: tuple[str, ...]) -> bool:
    return any(stem in words for stem in stems)


def _is_short(text: str, words: str) -> bool:
    if is_unspaced(text):
        return len(unicodedata.normalize("NFC", text).strip()) <= _SHORT_UNSPACED
    return len(words.split()) <= _SHORT
