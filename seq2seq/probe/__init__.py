"""Who is "it"? Measures whether attention links a pronoun to its antecedent, and whether it is used."""
