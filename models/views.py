"""Other looks at a picture: the whole of it, and nearer from each corner, where small things are larger."""

from PIL.Image import Image

_NEARER = 0.93
"""Of either side; so little that what is left of the middle stays there."""
_CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))
MOST = 1 + len(_CORNERS)


def looks(picture: Image, count: int) -> list[Image]:
    """The picture itself, then up to four crops of it. `count` is 1 to `MOST`."""
    if not 1 <= count <= MOST:
        raise ValueError(f"{count} looks; from 1 to {MOST} are possible")
    width, height = (max(1, int(side * _NEARER)) for side in picture.size)
    rest = picture.width - width, picture.height - height
    places = [(x * rest[0], y * rest[1]) for x, y in _CORNERS[: count - 1]]
    return [picture, *(picture.crop((x, y, x + width, y + height)) for x, y in places)]
