"""Which class stands for which of transformers' model types."""

from models.chat_lfm import LfmChat
from models.chat_mllama import CrossChat
from models.chat_model import ChatModel, GemmaChat, InternChat, PrefixChat
from models.chat_onevision import OneVisionChat
from models.chat_qwen import DeepQwenChat, QwenChat

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
