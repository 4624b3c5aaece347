"""An SVG file is made smaller without a change of what it shows."""

from isojoule.figures.shared.compact import compacted

MARKER = '<use xlink:href="#m1" x="{}" y="7.5" style="fill: #000000"/>'


def test_places_are_rounded_and_a_group_of_markers_has_one_style():
    group = f'<g clip-path="url(#p1)">\n     {MARKER.format("1.23456")}\n     {MARKER.format("-0.0012")}\n    </g>'
    path = '<path d="M 10.000001 2.005999 \nL 3.14159 4 \n" transform="scale(0.015625)"/>'
    assert compacted(group + path) == (
        '<g clip-path="url(#p1)" style="fill: #000000">\n<use xlink:href="#m1" x="1.23" y="7.5"/>\n'
        '<use xlink:href="#m1" x="0" y="7.5"/>\n    </g>'
        '<path d="M 10 2.01 \nL 3.14 4 \n" transform="scale(0.015625)"/>'
    )


def test_markers_of_different_styles_keep_them():
    group = f"<g>\n     {MARKER.format(1)}\n     {MARKER.format(2).replace('#000000', '#ffffff')}\n    </g>"
    assert compacted(group) == group
