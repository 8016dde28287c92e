"""From votes to a probability for each label. All share one form: `fit(votes)`, then `predict_proba(votes)`."""
