"""Of what a transformers network gives for an image, the one row that is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sufficient.features.backbone import Pooling

# Parameters by their last names: tokens that stand before the patches'. The class token is always the first.
CLASS_TOKENS = {"cls_token", "class_embedding"}  # in ViT's and in CLIP's family
OTHER_TOKENS = {"distillation_token", "register_tokens"}
# CLIP's and its descendants' final norm: of some (CLIP, MLCD) only the pooler output has passed it, of others
# (SigLIP) the last hidden state has.
FINAL_NORM = "post_layernorm"


@dataclass(frozen=True)
class TokenLayout:
    """What stands where in the last hidden state of a network."""

    class_token: bool
    before_patches: int  # tokens before the patches': class, distillation, registers
    norm: str | None  # the final norm's name, where it is still to be applied
    normed: bool  # False: no token passes a final norm; BEiT's kind norms the mean of the patches alone


def layout_of(
    network: torch.nn.Module, run: Callable[[], dict[str, Tensor]]
) -> tuple[TokenLayout, dict[str, Tensor]]:
    """Return where the tokens of a transformers network stand, and what `run` gave, which runs it once.

    The tokens are told by the names of its parameters, the norm that is still to be applied by the run.
    """
    tokens = {
        last: parameter.shape[1] if parameter.ndim == 3 else 1  # (1, tokens, d); CLIP's class token is (d,)
        for name, parameter in network.named_parameters()
        if (last := name.rpartition(".")[2]) in CLASS_TOKENS | OTHER_TOKENS
        and "head" not in name.split(".")  # of AIMv2: what its pooling asks the patches with
    }
    norm = next((name for name, _ in network.named_modules() if name.rpartition(".")[2] == FINAL_NORM), None)
    normed: list[Tensor] = []
    if norm is None:
        output = run()
    else:
        final = network.get_submodule(norm)
        hook = final.register_forward_hook(lambda module, given, made: normed.append(made))
        try:
            output = run()
        finally:
            hook.remove()
        hidden = output.get("last_hidden_state")
        if hidden is None or any(made.shape == hidden.shape and made.equal(hidden) for made in normed):
            norm = None
    layout = TokenLayout(
        class_token=not CLASS_TOKENS.isdisjoint(tokens),
        before_patches=sum(tokens.values()),
        norm=norm,
        normed=not isinstance(getattr(network, "layernorm", None), torch.nn.Identity),
    )
    return layout, output


def pooled(
    output: dict[str, Tensor], pooling: Pooling, *, network: torch.nn.Module, layout: TokenLayout
) -> Tensor | None:
    """Return the rows (batch, d) that `pooling` names; None where the network has no such output."""
    if pooling == "pooler":
        given = output.get("pooler_output")
        return None if given is None or given[0].numel() != given.shape[1] else given.flatten(1)
    hidden = output.get("last_hidden_state")
    if hidden is None:
        return None
    if hidden.ndim == 4:  # a feature map (batch, channels, height, width)
        return hidden.mean((2, 3), dtype=torch.float32) if pooling == "mean" else None
    if hidden.ndim != 3 or not layout.normed:
        return None
    if pooling == "cls" and not layout.class_token:
        return None
    tokens = hidden[:, 0] if pooling == "cls" else hidden[:, layout.before_patches :]
    if layout.norm is not None:
        tokens = network.get_submodule(layout.norm)(tokens)
    return tokens if pooling == "cls" else tokens.mean(1, dtype=torch.float32)
