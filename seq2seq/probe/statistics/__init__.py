"""How sure a figure is: bootstrap, permutation, choice on one set and report on another."""
