"""Who is "it"? Measures whether attention links a pronoun to its antecedent, and uses the link."""
