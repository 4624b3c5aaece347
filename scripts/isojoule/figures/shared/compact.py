"""Make an SVG file of Matplotlib smaller, with the same picture: the page of a study has all of its figures inside."""

import re

# a hundredth of a point of 1/72 inch is what no screen or printer shows
DECIMALS = 2
PLACES = re.compile(r'(?<= d=")[^"]+|(?<= [xy]=")[^"]+|(?<=translate\()[^)]+')
NUMBER = re.compile(r"-?\d+\.\d{3,}")
# markers that are drawn in one go have one style, which their group can have for them
MARKERS = re.compile(r'(<g[^>]*)>\s*((?:<use xlink:href="#m[^"]*" x="[^"]*" y="[^"]*" style="[^"]*"/>\s*)+)</g>')
STYLE = re.compile(r' style="([^"]*)"')


def compacted(svg: str) -> str:
    """Return an SVG file with coordinates to `DECIMALS` digits, and one style for the markers of a group.

    Args:
        svg: what Matplotlib wrote.
    """
    return MARKERS.sub(_with_one_style, PLACES.sub(lambda place: NUMBER.sub(_rounded, place.group()), svg))


def _rounded(number: re.Match[str]) -> str:
    text = f"{float(number.group()):.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _with_one_style(group: re.Match[str]) -> str:
    opened, markers = group.groups()
    styles = set(STYLE.findall(markers))
    if len(styles) > 1 or "style=" in opened:
        return group.group()
    without_style = STYLE.sub("", markers).replace("\n     ", "\n")
    return f'{opened} style="{styles.pop()}">\n{without_style}</g>'
