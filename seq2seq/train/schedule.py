"""What changes along a run as a pure function of the step, so that no resume can be off by one."""

import math

from seq2seq.recipe import GuidedAttentionSpec, TrainSpec


def learning_rate(step: int, spec: TrainSpec) -> float:
    """The rate of one update.

    Args:
        step: The update's number, counted from 1.
        spec: Peak rate, warm-up, shape and length of the run.

    Returns:
        The rate; it rises linearly over the warm-up in every schedule.

    Source:
        ``inverse_sqrt``: Vaswani et al. 2017 (arXiv:1706.03762) eq. 3, scaled to meet the peak.
        ``cosine``: Loshchilov & Hutter 2017 (arXiv:1608.03983) eq. 5 without restarts, to 0.
        ``linear``: constant, then linear to 0: Hägele et al. 2024 (arXiv:2405.18392).
    """
    if step <= spec.warmup_steps:
        return spec.peak_lr * step / spec.warmup_steps
    match spec.schedule:
        case "inverse_sqrt":
            return spec.peak_lr * math.sqrt(max(spec.warmup_steps, 1) / step)
        case "cosine":
            done = (step - spec.warmup_steps) / max(spec.steps - spec.warmup_steps, 1)
            return spec.peak_lr * (1 + math.cos(math.pi * min(done, 1.0))) / 2
        case "linear":
            # A warm-up that reaches into the fall puts it off: the rate never jumps.
            falling = min(spec.decay_share * spec.steps, max(spec.steps - spec.warmup_steps, 1))
            return spec.peak_lr * min(1.0, max(spec.steps + 1 - step, 0) / falling)


def guidance_weight(step: int, guided: GuidedAttentionSpec, *, steps: int) -> float:
    """The weight of guided attention in one update.

    Args:
        step: The update's number, counted from 1.
        guided: Weight and schedule.
        steps: Updates of the whole run.

    Returns:
        The weight; 0 outside of the part of the run in which attention is guided.
    """
    done = (step - 1) / steps
    if not guided.start <= done < guided.end:
        return 0.0
    match guided.schedule:
        case "constant":
            return guided.weight
        case "linear":
            return guided.weight * (guided.end - done) / (guided.end - guided.start)
