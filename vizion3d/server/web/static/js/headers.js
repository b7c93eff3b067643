// Made by `make web` from the facts of the library's results; do not edit.

export const API_KEY = "X-API-Key";

/** Field of a result -> its header. */
export const DEPTH = {
  min_depth: "X-Min-Depth",
  max_depth: "X-Max-Depth",
  backend_used: "X-Model",
  intrinsics: "X-Intrinsics",
  notes: "X-Notes",
  depth_kind: "X-Depth-Kind",
  sky_depth: "X-Sky-Depth",
  focal_px: "X-Focal-Length",
  alignment: "X-Alignment",
  depth_limit: "X-Depth-Limit",
};

/** Field of a result -> its header. */
export const STEREO = {
  min_depth: "X-Min-Depth",
  max_depth: "X-Max-Depth",
  backend_used: "X-Model",
  intrinsics: "X-Intrinsics",
  notes: "X-Notes",
};
