// The zoomable slide with its layers, shown by OpenSeadragon.

const REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Key positions that OpenSeadragon itself uses to zoom; they fit American keyboards only, and not the number pad. */
const OPENSEADRAGON_KEYS = ["Equal", "Minus", "Digit0"];

const startStage = () => {
  const viewer = OpenSeadragon({
    element: byId("stage"),
    drawer: "canvas", // others read pixels back, which browsers forbid to a local page
    showNavigationControl: false,
    showNavigator: true,
    navigatorPosition: "TOP_RIGHT",
    navigatorSizeRatio: 0.16,
    maxZoomPixelRatio: 6,
    visibilityRatio: 0.6,
    animationTime: REDUCED_MOTION ? 0 : 0.5,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  });
  let shown = null;
  const layers = {}; // by name: the item shown, and a count of requests, so that one that loads too late is dropped

  const scale = () => {
    const { viewport } = viewer;
    if (shown && viewport) showScale(shown.size[1] / (viewport.getContainerSize().x * viewport.getZoom(true)), shown.spacing);
  };

  /** Lay a picture over the slide, instead of the one of that name; `width` is a fraction of the slide's width. */
  const lay = (name, { url, width }, options) => {
    const layer = (layers[name] ??= { item: null, requests: 0 });
    layer.requests += 1;
    const request = layer.requests;
    if (layer.item) viewer.world.removeItem(layer.item);
    layer.item = null;
    viewer.addTiledImage({
      tileSource: { type: "image", url, buildPyramid: false },
      x: 0, y: 0, width, ...options,
      success: ({ item }) => {
        if (request === layer.requests) layer.item = item;
        else viewer.world.removeItem(item);
      },
    });
  };

  /** Show a slide, then call `ready`. */
  const open = (slide, ready) => {
    shown = slide;
    for (const layer of Object.values(layers)) Object.assign(layer, { item: null, requests: layer.requests + 1 });
    byId("missing").hidden = true;
    viewer.addOnceHandler("open", () => { scale(); ready(); });
    viewer.open(slide.pyramid ? sourceOf(slide.pyramid) : { type: "image", url: slide.overview, buildPyramid: false });
    viewer.canvas.setAttribute("aria-label", `${slide.id}: arrow keys move, plus and minus zoom, 0 shows all of it`);
  };

  viewer.canvas.setAttribute("role", "application");
  viewer.addHandler("animation", scale);
  viewer.addHandler("resize", () => requestAnimationFrame(scale));
  viewer.addHandler("canvas-key", (event) => {
    const { key, code, ctrlKey, metaKey } = event.originalEvent;
    if (/^[rf]$/i.test(key)) event.preventDefaultAction = true; // no rotation or flip
    if (!OPENSEADRAGON_KEYS.includes(code) && !ctrlKey && !metaKey) ZOOMS[key]?.();
  });
  const showMissing = () => { byId("missing").hidden = false; };
  viewer.addHandler("open-failed", showMissing);
  viewer.addHandler("add-item-failed", showMissing);
  viewer.addHandler("tile-load-failed", ({ tiledImage }) => { if (viewer.world.getIndexOfItem(tiledImage) >= 0) showMissing(); });
  const zoomBy = (factor) => { viewer.viewport.zoomBy(factor); viewer.viewport.applyConstraints(); };
  const ZOOMS = { "+": () => zoomBy(1.6), "-": () => zoomBy(1 / 1.6), 0: () => viewer.viewport.goHome() };
  byId("closer").onclick = ZOOMS["+"];
  byId("farther").onclick = ZOOMS["-"];
  byId("whole").onclick = ZOOMS[0];
  return { open, lay, setOpacity: (name, opacity) => layers[name]?.item?.setOpacity(opacity) };
};

const sourceOf = ({ url, tile, overlap, width, height }) => ({
  Image: {
    xmlns: "http://schemas.microsoft.com/deepzoom/2008", // names the format; never fetched
    Url: url, Format: "jpg", Overlap: overlap, TileSize: tile,
    Size: { Width: width, Height: height },
  },
});
