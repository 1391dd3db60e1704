"""What an answer hangs on: knock-outs, the chosen head taken apart, free translations."""
