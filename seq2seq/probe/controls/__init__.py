"""What a figure must beat: rules without a model, habits of a head, sets without an answer."""
