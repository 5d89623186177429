def score_exact(text, gold, normalize, on):
    if gold is None:
        return None
    return 1.0 if normalized(part_of(text, on), normalize) == normalized(gold, normalize) else 0.0
