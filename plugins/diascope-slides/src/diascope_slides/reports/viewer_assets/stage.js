// The zoomable slide with its heat map, by OpenSeadragon.

const STILL = matchMedia("(prefers-reduced-motion: reduce)").matches;

const startStage = () => {
  const viewer = OpenSeadragon({
    element: byId("stage"),
    drawer: "canvas", // others read pixels back, which a page from a disk may not
    showNavigationControl: false,
    showNavigator: true,
    navigatorPosition: "TOP_RIGHT",
    navigatorSizeRatio: 0.16,
    maxZoomPixelRatio: 6,
    visibilityRatio: 0.6,
    animationTime: STILL ? 0 : 0.5,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  });
  let shown = null;
  let heat = null;
  let wanted = 0;

  const scale = () => {
    const { viewport } = viewer;
    if (shown && viewport) showScale(shown.size[1] / (viewport.getContainerSize().x * viewport.getZoom(true)), shown.spacing);
  };

  /** Lay the picture of a heat map over the slide, in the place of the one that lies there; `width` is a part of the slide's. */
  const layHeat = ({ url, width }, opacity) => {
    wanted += 1;
    const ticket = wanted;
    if (heat) viewer.world.removeItem(heat);
    heat = null;
    viewer.addTiledImage({
      tileSource: { type: "image", url, buildPyramid: false },
      x: 0, y: 0, width, opacity,
      success: ({ item }) => {
        if (ticket === wanted) heat = item;
        else viewer.world.removeItem(item);
      },
    });
  };

  /** Show a slide, then call `ready`. */
  const open = (slide, ready) => {
    shown = slide;
    heat = null;
    wanted += 1;
    viewer.addOnceHandler("open", () => { scale(); ready(); });
    viewer.open(slide.pyramid ? sourceOf(slide.pyramid) : { type: "image", url: slide.overview, buildPyramid: false });
    viewer.canvas.setAttribute("aria-label", `${slide.id}: arrow keys move, plus and minus zoom, 0 shows all of it`);
  };

  viewer.canvas.setAttribute("role", "application");
  viewer.addHandler("animation", scale);
  viewer.addHandler("resize", () => requestAnimationFrame(scale));
  viewer.addHandler("canvas-key", (event) => {
    if (/^[rf]$/i.test(event.originalEvent.key)) event.preventDefaultAction = true; // no turning
  });
  const zoomBy = (factor) => { viewer.viewport.zoomBy(factor); viewer.viewport.applyConstraints(); };
  byId("closer").onclick = () => zoomBy(1.6);
  byId("farther").onclick = () => zoomBy(1 / 1.6);
  byId("whole").onclick = () => viewer.viewport.goHome();
  return { open, layHeat, setOpacity: (opacity) => heat?.setOpacity(opacity) };
};

const sourceOf = ({ url, tile, overlap, width, height }) => ({
  Image: {
    xmlns: "http://schemas.microsoft.com/deepzoom/2008", // the format's name, never fetched
    Url: url, Format: "jpg", Overlap: overlap, TileSize: tile,
    Size: { Width: width, Height: height },
  },
});
