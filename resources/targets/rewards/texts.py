def text_of(completion):
    """The text of a completion: a string, or a list of messages."""
    if isinstance(completion, str):
        return completion
    return "".join(message.get("content") or "" for message in completion)


def gold_of(columns, name, index):
    """The row's column as text; None where it is missing or blank."""
    values = columns.get(name)
    if values is None or index >= len(values) or values[index] is None:
        return None
    text = str(values[index])
    return text if text.strip(" \t\n\r\f\v") else None


def part_of(text, on):
    """after_think: what follows the last </think>; nothing if the thought never ends."""
    if on == "all":
        return text
    if "</think>" in text:
        return text.rsplit("</think>", 1)[1]
    return "" if "<think>" in text else text


def normalized(text, how):
    """Makes two texts comparable: nfkc, lower, collapse_space, strip, in that order."""
    if "nfkc" in how:
        text = unicodedata.normalize("NFKC", text)
    if "lower" in how:
        text = text.casefold()
        text = unicodedata.normalize("NFKC" if "nfkc" in how else "NFC", text)
    if "collapse_space" in how:
        text = re.sub(r"[ \t\n\r\f\v]+", " ", text)
    if "strip" in how:
        text = text.strip(" \t\n\r\f\v")
    return text
