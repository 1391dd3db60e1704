"""What is read off a model: how much each route of attention gives each noun."""
