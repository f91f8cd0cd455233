"""Which class stands for which of transformers' model types."""

from models.chat.lfm import LfmChat
from models.chat.mllama import CrossChat
from models.chat.model import ChatModel, GemmaChat, InternChat, PrefixChat
from models.chat.onevision import OneVisionChat
from models.chat.qwen import DeepQwenChat, QwenChat

CHATS: dict[str, type[ChatModel]] = {
    "fast_vlm": ChatModel,
    "gemma3": GemmaChat,
    "internvl": InternChat,
    "lfm2_vl": LfmChat,
    "llava_onevision": OneVisionChat,
    "mllama": CrossChat,
    "paligemma": PrefixChat,
    "qwen2_5_vl": QwenChat,
    "qwen2_vl": QwenChat,
    "qwen3_vl": DeepQwenChat,
}
