// Made by `make web` from the library's camera presets; do not edit.

/**
 * Name -> the size that a camera's maker states it for, and its focal length there.
 *
 * @type {Record<string, {widthPx: number, heightPx: number, focalPx: number}>}
 */
export const PRESETS = {
  "primesense": { widthPx: 640, heightPx: 480, focalPx: 525.0 },
  "realsense-d415": { widthPx: 1920, heightPx: 1080, focalPx: 1396.8086675255472 },
  "realsense-d435": { widthPx: 1920, heightPx: 1080, focalPx: 1396.8086675255472 },
  "realsense-d455": { widthPx: 1280, heightPx: 800, focalPx: 640.0000000000001 },
  "azure-kinect": { widthPx: 3840, heightPx: 2160, focalPx: 1920.0000000000002 },
  "kinect-v2": { widthPx: 1920, heightPx: 1080, focalPx: 1064.3187262543424 },
};
