"""Cuts a person out of a photograph, with a soft edge: photographed head and shoulders, and a drawn body below.

GrabCut (Rother, Kolmogorov, Blake 2004) separates head and shoulders from the background, starting from a guess of
where they are. The whole face box always counts as the person, so no mask is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.behaviour.doorway.portraits import Portrait
from maskwatch.camera.files import pictures
from maskwatch.flow import Box, Image

Mask = NDArray[np.uint8]  # (H, W) 0 or 1
PASSES = 4  # iterations of GrabCut
GRABCUT_AT = 110.0  # pixels, height of the face for GrabCut, whose time grows with the square of the height
TALL = 8.0  # height from the forehead to the feet, in faces
BROAD = 2.5  # width from shoulder to shoulder, in faces
FEATHER = 0.012  # softness of the edge, share of the face's height
SIDE = 160.0  # pixels: a taller face in a photograph is shrunk to this; clips rarely show larger ones
LEGS = 4.2  # faces from the forehead to where the legs begin


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """(H, W, 4) uint8, colours times alpha, and alpha; and the face's place in it, pixels."""

    pixels: NDArray[np.uint8]
    face: Box

    def halved(self) -> Cutout:
        """The cutout at half the size."""
        height, width = (max(1, side // 2) for side in self.pixels.shape[:2])
        x, y = width / self.pixels.shape[1], height / self.pixels.shape[0]
        small = cv2.resize(self.pixels, (width, height), interpolation=cv2.INTER_AREA)
        face = Box(x * self.face.left, y * self.face.top, x * self.face.right, y * self.face.bottom)
        return Cutout(np.asarray(small, np.uint8), face)


def cut(portrait: Portrait, rng: np.random.Generator) -> Cutout:
    """Cut out the person of a portrait, from the top of the photograph down to drawn feet.

    Raises:
        SourceError: the photograph cannot be read.
    """
    photo, face = _shrunk(pictures.read(portrait.path), portrait.face, SIDE)
    person = silhouette(photo, face)
    height, width = photo.shape[:2]
    beside = int(max(0.0, BROAD * face.height / 2 - min(_middle(face), width - _middle(face)))) + 2
    below = int(max(0.0, face.top + TALL * face.height - height))
    borders = (0, below, beside, beside)
    colours = cv2.copyMakeBorder(photo, *borders, cv2.BORDER_REPLICATE)
    alpha = cv2.copyMakeBorder(person, *borders, cv2.BORDER_CONSTANT, value=0)
    placed = Box(face.left + beside, face.top, face.right + beside, face.bottom)
    _dress(colours, alpha, placed, height, _cloth(photo, person, face, rng), rng)
    soft = cv2.GaussianBlur(alpha * np.float32(255), (0, 0), max(0.8, FEATHER * face.height))
    pixels = np.dstack([colours * (soft[..., None] / 255), soft])
    return Cutout(pixels.round().clip(0, 255).astype(np.uint8), placed)


def silhouette(photo: Image, face: Box) -> Mask:
    """(H, W) 1 where the person is, otherwise 0."""
    small, where = _shrunk(photo, face, GRABCUT_AT)
    marks = _guess(small.shape[:2], where)
    models: list[Any] = [np.zeros((1, 65)), np.zeros((1, 65))]
    cv2.setRNGSeed(0)  # GrabCut's clusters start at random places
    cv2.grabCut(np.ascontiguousarray(small[..., ::-1]), marks, None, *models, PASSES, cv2.GC_INIT_WITH_MASK)
    foreground = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    person = (cv2.resize(foreground, photo.shape[1::-1], interpolation=cv2.INTER_LINEAR) > 0.5).astype(np.uint8)
    _fill_face(person, face)
    return _in_one_piece(person, face)


def _guess(shape: tuple[int, ...], face: Box) -> Mask:
    """GrabCut's initial guess: certainly the face, probably hair, neck and shoulders, certainly not the rest."""
    marks = np.full(shape[:2], cv2.GC_BGD, np.uint8)
    x, side = _middle(face), face.height
    _ellipse(marks, (x, face.top + 0.45 * side), (0.85 * side, 1.05 * side), cv2.GC_PR_BGD)
    _ellipse(marks, (x, face.top + 0.38 * side), (max(0.55 * side, 0.72 * face.width), 0.78 * side), cv2.GC_PR_FGD)
    slope = [(-0.35, 0.9), (0.35, 0.9), (0.6, 1.35), (1.25, 1.65), (1.35, 9), (-1.35, 9), (-1.25, 1.65), (-0.6, 1.35)]
    shoulders = np.array([(x + across * side, face.top + down * side) for across, down in slope])
    cv2.fillPoly(marks, [shoulders.round().astype(np.int32)], cv2.GC_PR_FGD)
    _fill_face(marks, face)
    return marks


def _fill_face(mask: Mask, face: Box) -> None:
    """Set the ellipse of the face box to 1, GrabCut's certain foreground."""
    middle = _middle(face), (face.top + face.bottom) / 2
    _ellipse(mask, middle, (0.5 * face.width, 0.52 * face.height), cv2.GC_FGD)


def _ellipse(mask: Mask, middle: tuple[float, float], radii: tuple[float, float], value: int) -> None:
    at, axes = (tuple(round(each) for each in pair) for pair in (middle, radii))
    cv2.ellipse(mask, at, axes, 0, 0, 360, value, -1)


def _in_one_piece(person: Mask, face: Box) -> Mask:
    """The connected piece with the face, with its holes filled and its edge smoothed."""
    reach = max(3, round(0.05 * face.height)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    smooth = cv2.morphologyEx(cv2.morphologyEx(person, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel)
    pieces = cv2.connectedComponents(smooth)[1]
    row, column = round((face.top + face.bottom) / 2), round(_middle(face))
    outline = cv2.findContours(
        (pieces == pieces[row, column]).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )[0]
    whole = np.zeros_like(person)
    cv2.drawContours(whole, outline, -1, 1, -1)
    return whole


def _dress(
    colours: Image, alpha: Mask, face: Box, from_row: int, cloth: NDArray[np.float32], rng: np.random.Generator
) -> None:
    """Draw, in place, what the photograph does not show: shoulders under the head, trunk, legs."""
    x, side = _middle(face), face.height
    body = np.zeros_like(alpha)
    trunk = [(-0.3, 1.0), (0.3, 1.0), (0.45, 1.3), (1.1, 1.6), (1.2, 2.2), (0.95, LEGS), (-0.95, LEGS)]
    trunk += [(-1.2, 2.2), (-1.1, 1.6), (-0.45, 1.3)]
    legs = [(-0.9, LEGS), (0.9, LEGS), (0.75, TALL), (0.1, TALL), (0.0, LEGS + 0.7), (-0.1, TALL), (-0.75, TALL)]
    for value, part in ((1, trunk), (2, legs)):
        corners = np.array([(x + across * side, face.top + down * side) for across, down in part])
        cv2.fillPoly(body, [corners.round().astype(np.int32)], value)
    body[:from_row] = np.where(alpha[:from_row] > 0, 0, body[:from_row])  # the photograph has priority
    body[: round(face.bottom)] = 0
    light = _folds(body.shape, side, rng)
    for value, colour in ((1, cloth), (2, cloth * 0.3 + rng.uniform(10, 70))):
        # Dilated, so that the soft edge has the colour too
        painted = cv2.dilate((body == value).astype(np.uint8), np.ones((5, 5))) > 0
        painted[:from_row] &= alpha[:from_row] == 0
        colours[painted] = (colour * light)[painted].clip(0, 255)
    alpha[body > 0] = 1


def _cloth(photo: Image, person: Mask, face: Box, rng: np.random.Generator) -> NDArray[np.float32]:
    """(3,) the colour below the neck, where clothes are; a muted colour if none are visible."""
    neck = round(face.bottom + 0.5 * face.height)
    worn = photo[neck:][person[neck:] > 0]
    if len(worn) < 0.2 * face.area:
        return (rng.uniform(20, 190) + rng.normal(0, 18, 3)).clip(5, 230).astype(np.float32)
    return np.median(worn, axis=0).astype(np.float32)


def _folds(shape: tuple[int, ...], side: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 1) light and shade of cloth, factors around 1."""
    coarse = rng.normal(1.0, 0.12, (max(2, int(shape[0] / side * 2)), max(2, int(shape[1] / side * 5))))
    smooth = cv2.resize(coarse.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return (smooth + rng.normal(0, 0.02, shape).astype(np.float32))[..., None]


def _shrunk(photo: Image, face: Box, side: float) -> tuple[Image, Box]:
    """The photograph and its face box, shrunk so that the face is at most `side` pixels high."""
    scale = side / face.height
    if scale >= 1:
        return photo, face
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), Box(*(scale * side for side in (face.left, face.top, face.right, face.bottom)))


def _middle(face: Box) -> float:
    return (face.left + face.right) / 2
