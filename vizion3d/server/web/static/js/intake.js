/** Where photos come from: files, drops, the clipboard, the camera, the bundled samples. */

import { $, all } from "./dom.js";

/** @param {(files: File[]) => void} onPhotos */
export function listenForPhotos(onPhotos) {
  const take = (files) => files?.length && onPhotos([...files]);
  const onPhoto = (file) => onPhotos([file]);
  $("file").addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => take(event.clipboardData?.files));
  listenForDrops(take);
  for (const button of all("[data-sample]")) {
    button.addEventListener("click", async () => {
      const name = button.dataset.sample;
      const blob = await (await fetch(`/ui/samples/${name}`)).blob();
      onPhoto(new File([blob], name, { type: blob.type }));
    });
  }
  if (navigator.mediaDevices) listenForCamera(onPhoto);
}

function listenForDrops(take) {
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const veil = $("dropping");
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    veil.hidden = true;
    take(event.dataTransfer.files);
  });
}

function listenForCamera(onPhoto) {
  const dialog = $("camera");
  const video = $("video");
  $("camera-open").hidden = false;
  $("camera-open").addEventListener("click", async () => {
    $("camera-title").textContent = "Camera";
    $("camera-take").disabled = true;
    dialog.showModal();
    try {
      const ideal = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video: ideal });
      if (!dialog.open) return stop(stream);
      video.srcObject = stream;
    } catch (error) {
      $("camera-title").textContent = `No camera: ${error.message}`;
    }
  });
  video.addEventListener("loadeddata", () => ($("camera-take").disabled = false));
  $("camera-take").addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => onPhoto(new File([blob], "camera.jpg", { type: blob.type })), "image/jpeg", 0.95);
    dialog.close();
  });
  $("camera-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    stop(video.srcObject);
    video.srcObject = null;
  });
}

/** @param {MediaStream | null} stream */
function stop(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}
