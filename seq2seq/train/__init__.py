"""The training loop and what it needs: criterion, schedule, checkpoints, log."""
