// Made by `make web` from the library's table of formats; do not edit.

/**
 * What `--save` calls a format -> its files' ending, what it is, and its media type
 * where the server answers with it.
 *
 * @type {Record<string, {ending: string, title: string, mediaType: string | null}>}
 */
export const FORMATS = {
  "png": {"ending": ".depth.png", "title": "16-bit depth image", "mediaType": "image/png"},
  "color": {"ending": ".color.png", "title": "coloured depth", "mediaType": null},
  "metric-png": {"ending": ".metric.png", "title": "16-bit depth in metres", "mediaType": null},
  "ply": {"ending": ".ply", "title": "point cloud", "mediaType": "model/ply"},
  "glb": {"ending": ".glb", "title": "point cloud for web and Blender", "mediaType": "model/gltf-binary"},
  "mesh": {"ending": ".mesh.glb", "title": "mesh with the photo on it", "mediaType": "model/gltf-binary; content=mesh"},
  "obj": {"ending": ".obj", "title": "mesh", "mediaType": "model/obj"},
  "view": {"ending": ".view.png", "title": "picture of the point cloud", "mediaType": null},
  "npy": {"ending": ".npy", "title": "float32 depth", "mediaType": "application/x-npy"},
  "npz": {"ending": ".npz", "title": "every array", "mediaType": "application/x-npz"},
  "exr": {"ending": ".exr", "title": "float32 depth for compositing", "mediaType": "image/x-exr"},
  "json": {"ending": ".json", "title": "facts", "mediaType": null},
};
