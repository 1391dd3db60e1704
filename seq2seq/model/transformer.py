"""The encoder-decoder Transformer: reads a source, then writes a target one piece after the other.

    source ids -> embeddings + positions -> encoder layers -> memory
    target ids -> embeddings + positions -> decoder layers (reading memory) -> hidden -> logits

It has no configuration and no file format of its own: it is built from ``M2M100Config`` (pre-norm)
or ``MarianConfig`` (post-norm) and computes what the stock class of that name computes. How its
weights get into and out of stock folders stands in ``stock.py``.
"""

import math
from typing import cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from seq2seq.errors import ModelError
from seq2seq.model.attention import BLOCKED, padding_bias
from seq2seq.model.cache import DecoderCache, MemoryKeysValues
from seq2seq.model.config import ModelConfig, check_contract, shares_inputs
from seq2seq.model.dropout import Dropout
from seq2seq.model.layers import DecoderLayer, EncoderLayer
from seq2seq.model.linear import linear
from seq2seq.model.positions import position_table

# A logit that makes a piece impossible, small enough for every float type.
IMPOSSIBLE = -1e4


class Transformer(nn.Module):
    """An encoder-decoder model that maps source ids to scores of the next target piece.

    New weights are random: projections from Glorot's uniform distribution (each of query, key and
    value on its own), biases zero, embeddings normal with variance ``1 / width``, the padding row
    zero.

    Attributes:
        config: The numbers of the model, the only place where they are kept.
        gradient_checkpointing: Whether training recomputes each layer in the backward pass instead
            of keeping its inner results: about a third more time for much less memory.
    """

    config: ModelConfig
    positions: Tensor
    logits_bias: Tensor | None

    def __init__(self, config: ModelConfig):
        super().__init__()
        check_contract(config)
        self.config = config
        self.gradient_checkpointing = False
        self.embedding_scale = math.sqrt(config.d_model) if config.scale_embedding else 1.0
        pad, size = config.pad_token_id, (config.vocab_size, config.d_model)
        self.embedding = nn.Embedding(*size, padding_idx=pad)
        # Our own models share one matrix between source, target and output; some published ones do
        # not. None stands for "the same as the one above".
        shared, tied = shares_inputs(config), config.tie_word_embeddings
        self.target_embedding = None if shared else nn.Embedding(*size, padding_idx=pad)
        self.head = None if tied else nn.Linear(config.d_model, config.vocab_size, bias=False)
        # The output matrix in 8 bits, see ``eight_bits.py``.
        self.rounded_output: nn.Module | None = None
        self.register_buffer("positions", position_table(config), persistent=False)
        self.register_buffer("logits_bias", new_logits_bias(config))
        self.embedding_dropout = Dropout(config.dropout)
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        # Post-norm layers leave a normalised stream behind, pre-norm layers do not.
        norm_first = config.model_type == "m2m_100"
        self.encoder_norm = nn.LayerNorm(config.d_model) if norm_first else nn.Identity()
        self.decoder_norm = nn.LayerNorm(config.d_model) if norm_first else nn.Identity()
        reset_parameters(self)

    @property
    def output_weight(self) -> Float[Tensor, "vocab width"]:
        """The matrix whose rows the last hidden state is compared with to score pieces."""
        if self.head is not None:
            return self.head.weight
        return (self.target_embedding or self.embedding).weight

    def encode(
        self,
        source_ids: Int[Tensor, "batch source"],
        source_mask: Bool[Tensor, "batch source"] | None,
        *,
        visible: Bool[Tensor, "batch source source"] | None = None,
    ) -> Float[Tensor, "batch source width"]:
        """Read a batch of sources.

        Args:
            source_ids: Pieces of each source, padded to one length.
            source_mask: True at real pieces; None if there is no padding.
            visible: Which pieces each piece may read in all layers and heads, instead of all real
                ones; every piece needs at least one.

        Returns:
            One vector for each piece that tells what it means in its sentence.

        Raises:
            ModelError: A source is longer than the position table.
        """
        x = self._embed(self.embedding, source_ids, self._source_positions(source_ids, source_mask))
        bias = self._bias(source_mask, visible, queries=x.shape[1])
        for layer in self.encoder:
            x = self._run(layer, x, bias)
        return cast(Tensor, self.encoder_norm(x))

    def decode(
        self,
        inputs: Int[Tensor, "batch target"],
        memory: Float[Tensor, "batch source width"],
        source_mask: Bool[Tensor, "batch source"] | None,
        *,
        visible: Bool[Tensor, "batch target source"] | None = None,
        visible_past: Bool[Tensor, "batch target target"] | None = None,
    ) -> Float[Tensor, "batch target width"]:
        """Read a batch of known targets, each position seeing only what stands before it.

        Args:
            inputs: The target shifted right by the start piece. Padding may stand at the end only;
                what is returned there has no meaning.
            memory: The encoded sources.
            source_mask: True at real pieces of the sources; None if there is no padding.
            visible: Which source pieces each target position may read in all layers and heads,
                instead of all real ones; every position needs at least one.
            visible_past: Which target positions each one may read behind the first layer, instead
                of itself and all before it. In the first they are no more than pieces.

        Returns:
            For each position the vector from which the next piece is predicted.

        Raises:
            ModelError: A target is longer than the position table.
        """
        x = self._embed(
            self.target_embedding or self.embedding, inputs, self._first_positions(inputs.shape[1])
        )
        bias = self._bias(source_mask, visible, queries=x.shape[1])
        past = self._bias(None, visible_past, queries=x.shape[1])
        for number, layer in enumerate(self.decoder):
            x = self._run(layer, x, memory, bias, past if number else None)
        return cast(Tensor, self.decoder_norm(x))

    def logits(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places vocab"]:
        """Score every piece of the vocabulary as the next one.

        The vocabulary is the widest thing in the model: select the positions that matter first.

        Args:
            hidden: Vectors that ``decode`` returned.

        Returns:
            Unnormalised log-probabilities.
        """
        if self.rounded_output is not None:
            return cast(Tensor, self.rounded_output(hidden))
        return linear(hidden, self.output_weight, self.logits_bias)

    def forward(
        self,
        source_ids: Int[Tensor, "batch source"],
        inputs: Int[Tensor, "batch target"],
        source_mask: Bool[Tensor, "batch source"] | None = None,
    ) -> Float[Tensor, "batch target vocab"]:
        """Score the next piece at every position of known targets.

        Args:
            source_ids: Pieces of each source, padded to one length.
            inputs: The targets shifted right by the start piece.
            source_mask: True at real source pieces; None if there is no padding.

        Returns:
            Unnormalised log-probabilities.
        """
        memory = self.encode(source_ids, source_mask)
        return self.logits(self.decode(inputs, memory, source_mask))

    def start_cache(
        self,
        memory: Float[Tensor, "sentences source width"],
        source_mask: Bool[Tensor, "sentences source"] | None,
        *,
        beams: int,
        max_length: int,
    ) -> DecoderCache:
        """Prepare step-by-step decoding of some sentences.

        Args:
            memory: The encoded sources.
            source_mask: True at real source pieces; None if there is no padding.
            beams: Hypotheses of each sentence.
            max_length: Most steps that will be taken, the one with the start piece included.

        Returns:
            A cache for ``sentences x beams`` rows that has seen nothing yet.

        Raises:
            ModelError: More steps are asked for than the position table has rows.
        """
        self._first_positions(max_length)
        layers = [
            MemoryKeysValues(*layer.cross_attention.project_memory(memory))
            for layer in self.decoder_layers()
        ]
        bias = self._padding_bias(source_mask, queries=1)
        return DecoderCache(layers, bias, beams=beams)

    def step(
        self, last_ids: Int[Tensor, " rows"], cache: DecoderCache
    ) -> Float[Tensor, "rows vocab"]:
        """Read one more piece of each hypothesis and score what may follow.

        Args:
            last_ids: The newest piece of each row; at first the start piece.
            cache: What was read before; it grows by one position.

        Returns:
            Unnormalised log-probabilities of the next piece.
        """
        here = self.positions[cache.length : cache.length + 1]
        ids = last_ids.view(-1, cache.beams)
        x = self._embed(self.target_embedding or self.embedding, ids, here)
        for number, layer in enumerate(self.decoder_layers()):
            x = layer.step(x, cache, number)
        cache.length += 1
        return self.logits(self.decoder_norm(x).flatten(0, 1))

    def decoder_layers(self) -> list[DecoderLayer]:
        """The decoder's layers, by their type."""
        return cast(list[DecoderLayer], list(self.decoder))

    def _embed(self, embedding: nn.Embedding, ids: Tensor, positions: Tensor) -> Tensor:
        x = torch.add(positions, embedding(ids), alpha=self.embedding_scale)
        return cast(Tensor, self.embedding_dropout(x))

    def _first_positions(self, length: int) -> Tensor:
        if length > len(self.positions):
            raise ModelError(
                f"model: '{length}' positions are asked for, this one has '{len(self.positions)}'; "
                "split the text or build a model with a larger max_positions"
            )
        return self.positions[:length]

    def _source_positions(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Position vectors of a source; ``m2m_100`` counts real pieces, ``marian`` all."""
        first = self._first_positions(ids.shape[1])
        if mask is None or self.config.model_type == "marian":
            return first
        return first[(mask.cumsum(1) - 1).clamp_(min=0)]

    def _bias(self, mask: Tensor | None, visible: Tensor | None, *, queries: int) -> Tensor | None:
        """What is added to the scores of source pieces: by padding, or by what each may see."""
        if visible is None:
            return self._padding_bias(mask, queries=queries)
        bias = torch.zeros(visible.shape, dtype=self._score_type(), device=visible.device)
        return bias.masked_fill_(~visible, BLOCKED)[:, None]

    def _padding_bias(self, mask: Tensor | None, *, queries: int) -> Tensor | None:
        if mask is None:
            return None
        return padding_bias(mask, queries=queries, dtype=self._score_type())

    def _score_type(self) -> torch.dtype:
        weight = self.embedding.weight
        autocast = torch.is_autocast_enabled(weight.device.type)
        return torch.get_autocast_dtype(weight.device.type) if autocast else weight.dtype

    def _run(self, layer: nn.Module, *args: Tensor | None) -> Tensor:
        if self.gradient_checkpointing and self.training:
            return cast(Tensor, checkpoint(layer, *args, use_reentrant=False))
        return cast(Tensor, layer(*args))


def new_logits_bias(config: ModelConfig) -> Float[Tensor, " vocab"] | None:
    """Make the constant that is added to the logits of post-norm models.

    It makes padding impossible from the first update on, so that no gradient ever reaches the
    padding row of the shared matrix: stock decoding starts from that row, CTranslate2 from zeros.

    Args:
        config: The numbers of the model.

    Returns:
        One number for each piece; None for pre-norm models, whose stock class has no such bias.
    """
    if config.model_type != "marian":
        return None
    bias = torch.zeros(config.vocab_size)
    bias[config.pad_token_id] = IMPOSSIBLE
    return bias


@torch.no_grad()
def reset_parameters(model: Transformer) -> None:
    """Draw new random weights for a model.

    Args:
        model: The model whose weights are replaced.
    """
    width = model.config.d_model
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) or name == "head":
            weight = cast(Tensor, module.weight)
            nn.init.normal_(weight, std=width**-0.5)
            weight[model.config.pad_token_id].zero_()
        elif isinstance(module, nn.Linear):
            # Fused projections are several square matrices on top of each other.
            fused = name.endswith(("query_key_value", "key_value"))
            for block in torch.split(module.weight, width) if fused else [module.weight]:
                nn.init.xavier_uniform_(block)
            nn.init.zeros_(module.bias)
