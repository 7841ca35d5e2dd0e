"""Why a photo has no place, no ground size, no sure time or no verdict: codes and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from domains.crops.locale import N_, Sentence


class PhotoReason(StrEnum):
    """Stable codes; each has a sentence that says what to do."""

    NO_GPS = "NO_GPS"
    GPS_EMPTY = "GPS_EMPTY"
    GPS_ZEROED = "GPS_ZEROED"
    GPS_NEVER_FILLED = "GPS_NEVER_FILLED"
    GPS_NO_FIX = "GPS_NO_FIX"
    GPS_NO_HEMISPHERE = "GPS_NO_HEMISPHERE"
    GPS_SIGN_CONFLICT = "GPS_SIGN_CONFLICT"
    GPS_DAMAGED = "GPS_DAMAGED"
    GPS_OTHER_DATUM = "GPS_OTHER_DATUM"
    PLACES_CONFLICT = "PLACES_CONFLICT"
    PLACE_FROZEN = "PLACE_FROZEN"
    PLACE_FAR = "PLACE_FAR"
    PLACE_OF_DRONE = "PLACE_OF_DRONE"
    WHATSAPP = "WHATSAPP"
    TELEGRAM = "TELEGRAM"
    BROWSER_COPY = "BROWSER_COPY"
    RESIZED_COPY = "RESIZED_COPY"
    METADATA_DAMAGED = "METADATA_DAMAGED"
    METADATA_CONTRADICTS = "METADATA_CONTRADICTS"
    HEIGHT_UNKNOWN = "HEIGHT_UNKNOWN"
    HEIGHT_TOO_LOW = "HEIGHT_TOO_LOW"
    LENS_UNKNOWN = "LENS_UNKNOWN"
    ZOOMED = "ZOOMED"
    CROPPED = "CROPPED"
    ATTITUDE_UNKNOWN = "ATTITUDE_UNKNOWN"
    NOT_NADIR = "NOT_NADIR"
    YAW_UNKNOWN = "YAW_UNKNOWN"
    YAW_OF_FLIGHT = "YAW_OF_FLIGHT"
    NEAR_POLE = "NEAR_POLE"
    TIME_UNKNOWN = "TIME_UNKNOWN"
    ZONE_UNKNOWN = "ZONE_UNKNOWN"
    CLOCK_WRONG = "CLOCK_WRONG"
    BLURRED = "BLURRED"
    TOO_DARK = "TOO_DARK"
    TOO_BRIGHT = "TOO_BRIGHT"
    TOO_FAR = "TOO_FAR"
    NO_LEAF = "NO_LEAF"
    MANY_LEAVES = "MANY_LEAVES"
    RAW_ONLY = "RAW_ONLY"
    UNREADABLE = "UNREADABLE"


_R = PhotoReason
TEXTS: Mapping[PhotoReason, str] = {
    _R.NO_GPS: N_(
        "The photo states no place. Switch on location for your camera before the next photos, or "
        "pick the field on the map."
    ),
    _R.GPS_EMPTY: N_(
        "The photo's place was removed before it arrived. Send the original file, or pick the "
        "field on the map."
    ),
    _R.GPS_ZEROED: N_(
        "The place was zeroed by the phone. Send the original file by cable or e-mail, or pick the "
        "field on the map."
    ),
    _R.GPS_NEVER_FILLED: N_(
        "The camera never filled in the place. Wait until it has a position before the next "
        "photos, or pick the field on the map."
    ),
    _R.GPS_NO_FIX: N_(
        "The camera had no GPS position when it took the photo. Wait for a position before the "
        "next photos, or pick the field on the map."
    ),
    _R.GPS_NO_HEMISPHERE: N_(
        "The photo does not say whether its place is north or south, or east or west. Pick the "
        "field on the map."
    ),
    _R.GPS_SIGN_CONFLICT: N_(
        "The photo contradicts itself about north or south, or east or west. Pick the field on the "
        "map."
    ),
    _R.GPS_DAMAGED: N_("The photo's place is no position on earth. Pick the field on the map."),
    _R.GPS_OTHER_DATUM: N_(
        "The photo's place is measured on another map datum ({datum}). Set the camera to WGS-84, "
        "or pick the field on the map."
    ),
    _R.PLACES_CONFLICT: N_(
        "The photo states two places, {metres} m apart. Pick the field on the map."
    ),
    _R.PLACE_FROZEN: N_(
        "This photo and others of the flight repeat one place, although the drone flew on. Copy "
        "the originals from the drone again, or pick the field on the map."
    ),
    _R.PLACE_FAR: N_(
        "The photo's place is {kilometres} km from the others. Confirm it, or pick the field on "
        "the map."
    ),
    _R.PLACE_OF_DRONE: N_(
        "The place is the one that the drone recorded besides; the photo's own GPS record could "
        "not be used."
    ),
    _R.WHATSAPP: N_(
        "WhatsApp removed the place. Send the photo as a document, or pick the field on the map."
    ),
    _R.TELEGRAM: N_(
        "Telegram removed the place. Send the photo as a file, or pick the field on the map."
    ),
    _R.BROWSER_COPY: N_(
        "The browser sent a copy without a place. Choose the photo from your files and not from "
        "the gallery, or pick the field on the map."
    ),
    _R.RESIZED_COPY: N_(
        "This is a smaller copy, and the place was lost with the size. Send the original photo, or "
        "pick the field on the map."
    ),
    _R.METADATA_DAMAGED: N_(
        "Part of what the photo says about itself is damaged and was not used."
    ),
    _R.METADATA_CONTRADICTS: N_("The photo gives two values for {field}; the first one was used."),
    _R.HEIGHT_UNKNOWN: N_(
        "The photo does not state its height above the ground, so sizes on the ground are unknown."
    ),
    _R.HEIGHT_TOO_LOW: N_(
        "The stated height of {metres} m is too low to tell sizes on the ground. Fly at 5 m or "
        "more."
    ),
    _R.LENS_UNKNOWN: N_(
        "The photo does not state its lens and sensor, so sizes on the ground are unknown."
    ),
    _R.ZOOMED: N_("The photo was zoomed digitally, so sizes on the ground are unknown."),
    _R.CROPPED: N_(
        "The photo was cropped after it was taken, so sizes on the ground are unknown. Send the "
        "original."
    ),
    _R.ATTITUDE_UNKNOWN: N_(
        "The drone did not record where the camera looked. The photo is shown as a point."
    ),
    _R.NOT_NADIR: N_("The camera did not look straight down. The photo is shown as a point."),
    _R.YAW_UNKNOWN: N_(
        "The photo does not state which way its top points. It is shown as a point."
    ),
    _R.YAW_OF_FLIGHT: N_(
        "The direction is that of the drone, not of the camera; the two may differ by 20 degrees."
    ),
    _R.NEAR_POLE: N_("The place is too close to a pole for an outline on the map."),
    _R.TIME_UNKNOWN: N_("The photo does not state when it was taken."),
    _R.ZONE_UNKNOWN: N_("The photo states a local time without its time zone."),
    _R.CLOCK_WRONG: N_(
        "The camera's clock is wrong: it differs from the GPS time by {hours} hours. Set the clock."
    ),
    _R.BLURRED: N_(
        "The photo is blurred. Hold still, tap on the leaf to focus, and take it again."
    ),
    _R.TOO_DARK: N_("The photo is too dark. Take it again in daylight or with the flash."),
    _R.TOO_BRIGHT: N_("The photo is too bright. Take it again out of the direct sun."),
    _R.TOO_FAR: N_("The photo was taken from too far away. Go closer until a leaf fills it."),
    _R.NO_LEAF: N_("No leaf can be seen. Take the photo again with a leaf in the middle."),
    _R.MANY_LEAVES: N_(
        "The photo shows more than one leaf. Photograph one leaf alone, on a plain ground."
    ),
    _R.RAW_ONLY: N_(
        "This is a raw file without a JPEG beside it. Set the camera to save JPEG as well, and "
        "send that."
    ),
    _R.UNREADABLE: N_("The file cannot be read as a photo. Send the original file again."),
}


def sentence_of(
    reason: PhotoReason, values: Mapping[str, str | int | float] | None = None
) -> Sentence:
    """Return the sentence of a reason, with the values that it names."""
    return Sentence(TEXTS[reason], values or {}, code=reason.value)
