"""What a name of anybody may be that is shown in a terminal, a table or a page, and how any other text is shown there.

A name with a line break or a mark that turns the direction of writing shows something else than it is, and a
spreadsheet computes a cell that begins with = + - or @. Such names are refused where they come in, so that no table and
no page has to change them.
"""

from isojoule.errors import InputError

LONGEST_NAME = 200
# what a spreadsheet takes a cell that begins so for
FORMULA = ("=", "+", "-", "@")


def check_name(what: str, name: str) -> None:
    """Refuse a name that shows something else than it is.

    Args:
        what: the name is of, for the message.
        name: of a system, a team, a platform.

    Raises:
        InputError: it is empty, too long, has blanks around it or characters that do not print, or is a formula.
    """
    if expected := unfit(name):
        raise InputError(f"{what}: found {escaped(name[:LONGEST_NAME]) or 'nothing'}, expected {expected}")


def unfit(name: str) -> str:
    """Return what was expected instead of this name; nothing where it is fit."""
    if not name.isprintable():
        return "a name in one line, of characters that print"
    if name != name.strip() or not name:
        return "a name without blanks around it"
    if name.startswith(FORMULA):
        return "a name that does not begin with = + - or @, which spreadsheets take for a formula"
    return f"a name of at most {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else ""


def escaped(text: str) -> str:
    """Return a text of anybody in one line, with whatever does not print as its escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
