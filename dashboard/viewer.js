// Looks at pictures side by side: window and level, zoom, rotation, measures, heat map. What the
// person has set lives on the window object, so that a rerun keeps it. A picture stands there at
// once from the bytes of the page; all its pixels follow by their address.

const kept = (window.assayViewer ??= { viewId: null, heat: {}, views: new Map(), pictures: new Map() })
const DWELL_MS = 120 // whoever leaves a case sooner asks for no more pixels of it

export default function ({ data, parentElement }) {
  kept.stop?.() // called anew for every rerun, and only the last one is stopped at its end
  const root = parentElement.querySelector('.panes')
  const host = parentElement.host ?? parentElement
  const { view_id: viewId, page, keys, panes, next, shows_heat: showsHeat } = unpacked(data)
  host.dataset.viewId = viewId
  if (kept.viewId !== viewId) {
    kept.viewId = viewId
    forget()
  }
  kept.heat[page] ??= remembered(`assay-heat-${page}`) ?? showsHeat
  const bench = workbench(root, parentElement.querySelector('.tools'), panes, keys, {
    isHeatOn: () => kept.heat[page],
    switchHeat: () => {
      kept.heat[page] = !kept.heat[page]
      remember(`assay-heat-${page}`, kept.heat[page])
    },
    zoomed: () => zoomed(viewId),
  })
  document.addEventListener('keydown', bench.onKey)
  const leaving = new AbortController()
  const painted = Promise.all(bench.drawn.map(one => one.begin())).then(() => { host.dataset.painted = viewId })
  const timer = setTimeout(async () => {
    await painted
    await Promise.all(bench.drawn.map(one => one.complete(leaving.signal)))
    for (const address of next) fetch(address, { priority: 'low', signal: leaving.signal }).then(one => one.blob()).catch(() => {})
  }, DWELL_MS)
  kept.stop = () => {
    clearTimeout(timer)
    leaving.abort()
    document.removeEventListener('keydown', bench.onKey)
    bench.stop()
  }
  return kept.stop
}

// The view log of `review_keys.js` hears of it.
function zoomed(viewId) {
  window.dispatchEvent(new CustomEvent('assay-zoomed', { detail: viewId }))
}

function remembered(name) {
  try {
    const kept = localStorage.getItem(name)
    return kept === null ? null : kept === 'true'
  } catch { return null }
}

function remember(name, value) {
  try { localStorage.setItem(name, String(value)) } catch { /* a browser that keeps nothing */ }
}

function unpacked(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data ?? 0)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  const part = ({ offset, length: size }) => {
    const start = bytes.byteOffset + 4 + length + offset
    return bytes.buffer.slice(start, start + size)
  }
  for (const one of head.panes)
    for (const name of ['plate', 'heat']) if (one[name]) one[name].bytes = part(one[name])
  return head
}
