"""Programs that can run a model: our own search, the stock classes, CTranslate2."""
