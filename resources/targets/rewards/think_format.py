def score_think_format(text):
    begins = text.startswith("<think>") and text.count("<think>") == 1
    return 1.0 if begins and "</think>" in text else 0.0
