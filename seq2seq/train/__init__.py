"""The training loop and what it needs: objective, schedule, checkpoints, log."""
