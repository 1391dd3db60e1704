"""How a model is read and interfered with: attention maps out, interventions in."""
