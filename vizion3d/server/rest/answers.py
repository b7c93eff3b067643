"""Parts of JSON answers that several tasks have."""

from pydantic import BaseModel, Field


class IntrinsicsAnswer(BaseModel):
    """The camera that was assumed: focal lengths and principal point in pixels of the image."""

    fx: float
    fy: float
    cx: float
    cy: float
    width_px: int
    height_px: int
    sources: dict[str, str] = Field(description="Where each value came from.")
