def score_repetition(ids, n, max_penalty):
    if ids is None:
        return None
    ngrams = [tuple(ids[at:at + n]) for at in range(len(ids) - n + 1)]
    return (1 - len(set(ngrams)) / len(ngrams)) * max_penalty if ngrams else 0.0
