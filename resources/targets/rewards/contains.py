def score_contains(text, wanted, match, normalize, on):
    if None in wanted:
        return None
    text = normalized(part_of(text, on), normalize)
    found = [normalized(one, normalize) in text for one in wanted]
    return 1.0 if (all(found) if match == "all" else any(found)) else 0.0
