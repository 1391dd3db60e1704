"""The layers of encoder and decoder: attention and feed-forward blocks around a residual stream."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.model.attention import CrossAttention, SelfAttention
from seq2seq.model.cache import DecoderCache
from seq2seq.model.config import ModelConfig
from seq2seq.model.dropout import Dropout
from seq2seq.model.linear import Linear

Features = Float[Tensor, "batch positions width"]


class Residual(nn.Module):
    """Adds what a block has found to the stream that it read from.

    Pre-norm (``m2m_100``) normalises what the block reads and leaves the stream alone: gradients
    reach every layer undamped. Post-norm (``marian``) normalises the sum.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.norm_first = config.model_type == "m2m_100"
        self.norm = nn.LayerNorm(config.d_model)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Features, block: Callable[[Tensor], Tensor]) -> Features:
        """Run a block and add its result.

        Args:
            x: The stream.
            block: What is computed from the stream.

        Returns:
            The stream after the block.
        """
        if self.norm_first:
            x = x + self.dropout(block(self.norm(x)))
        else:
            x = self.norm(x + self.dropout(block(x)))
        return x


class FeedForward(nn.Module):
    """Two matrices with a non-linearity between, applied to each position alone."""

    def __init__(self, config: ModelConfig, ffn_width: int):
        super().__init__()
        self.activation = activation_function(config.activation_function)
        self.expand = Linear(config.d_model, ffn_width)
        self.contract = Linear(ffn_width, config.d_model)
        self.dropout = Dropout(config.activation_dropout)

    def forward(self, x: Features) -> Features:
        """Transform each position's features.

        Args:
            x: Features of each position.

        Returns:
            New features of each position.
        """
        after: Tensor = self.contract(self.dropout(self.activation(self.expand(x))))
        return after


def activation_function(name: str) -> Callable[[Tensor], Tensor]:
    """Look up a non-linearity by the name it has in stock configurations.

    Args:
        name: One of the names that ``check_contract`` lets pass.

    Returns:
        The function.
    """
    match name:
        case "relu":
            return F.relu
        case "gelu":
            return F.gelu
        case _:  # "swish" and "silu" are two names of one function
            return F.silu


class EncoderLayer(nn.Module):
    """Source positions read from each other, then each thinks for itself."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width, heads = config.d_model, config.encoder_attention_heads
        self.self_attention = SelfAttention(width, heads, dropout=config.attention_dropout)
        self.self_attention_residual = Residual(config)
        self.feed_forward = FeedForward(config, config.encoder_ffn_dim)
        self.feed_forward_residual = Residual(config)

    def forward(
        self, x: Features, bias: Float[Tensor, "batch 1 positions positions"] | None
    ) -> Features:
        """Pass a source through the layer.

        Args:
            x: Features of each source position.
            bias: Blocks padding.

        Returns:
            Features of each source position after the layer.
        """
        x = self.self_attention_residual(x, lambda y: self.self_attention(y, bias=bias))
        after: Tensor = self.feed_forward_residual(x, self.feed_forward)
        return after


class DecoderLayer(nn.Module):
    """Target positions read from earlier ones, then from the source; then each thinks alone."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width, heads = config.d_model, config.decoder_attention_heads
        self.self_attention = SelfAttention(width, heads, dropout=config.attention_dropout)
        self.self_attention_residual = Residual(config)
        self.cross_attention = CrossAttention(width, heads, dropout=config.attention_dropout)
        self.cross_attention_residual = Residual(config)
        self.feed_forward = FeedForward(config, config.decoder_ffn_dim)
        self.feed_forward_residual = Residual(config)

    def forward(
        self,
        x: Float[Tensor, "batch target width"],
        memory: Float[Tensor, "batch source width"],
        bias: Float[Tensor, "batch 1 target source"] | None,
        past: Float[Tensor, "batch 1 target target"] | None = None,
    ) -> Float[Tensor, "batch target width"]:
        """Pass a whole target through the layer, no position seeing a later one.

        Args:
            x: Features of each target position.
            memory: The encoded source.
            bias: Blocks padding of the source.
            past: Blocks target positions, all later ones among them; None for just those.

        Returns:
            Features of each target position after the layer.
        """
        key, value = self.cross_attention.project_memory(memory)
        x = self.self_attention_residual(
            x, lambda y: self.self_attention(y, bias=past, causal=past is None)
        )
        x = self.cross_attention_residual(
            x, lambda y: self.cross_attention(y, key, value, bias=bias)
        )
        after: Tensor = self.feed_forward_residual(x, self.feed_forward)
        return after

    def step(
        self, x: Float[Tensor, "sentences beams width"], cache: DecoderCache, layer: int
    ) -> Float[Tensor, "sentences beams width"]:
        """Pass the newest position of each hypothesis through the layer.

        Args:
            x: Its features.
            cache: All earlier positions and the source.
            layer: Number of this layer in the decoder.

        Returns:
            Its features after the layer.
        """
        x = self.self_attention_residual(x, lambda y: self._read_past(y, cache, layer))
        x = self.cross_attention_residual(x, lambda y: self._read_source(y, cache, layer))
        after: Tensor = self.feed_forward_residual(x, self.feed_forward)
        return after

    def _read_past(self, x: Tensor, cache: DecoderCache, layer: int) -> Tensor:
        query, key_value = self.self_attention.project(x)
        keys, values = cache.append(layer, key_value)
        return self.self_attention.read(query, keys, values, bias=cache.visible_past)

    def _read_source(self, x: Tensor, cache: DecoderCache, layer: int) -> Tensor:
        memory = cache.memory[layer]
        read: Tensor = self.cross_attention(x, memory.keys, memory.values, bias=cache.source_bias)
        return read
