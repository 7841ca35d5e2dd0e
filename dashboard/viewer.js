// Looks at pictures side by side: window and level, zoom, rotation, measures, heat map. What the
// person has set lives on the window object, so that a rerun keeps it. A picture stands there at
// once from the bytes of the page; all its pixels follow by their address.

const kept = (window.assayViewer ??= { viewId: null, heat: {}, views: new Map(), pictures: new Map() })
const DWELL_MS = 120 // whoever leaves a case sooner asks for no more pixels of it

export default function ({ data, parentElement }) {
  kept.stop?.() // called anew for every rerun, and only the last one is stopped at its end
  const root = parentElement.querySelector('.panes')
  const host = parentElement.host ?? parentElement
  const head = unpacked(data)
  const { view_id: viewId, page, keys, panes, next } = head
  host.dataset.viewId = viewId
  if (kept.viewId !== viewId) {
    kept.viewId = viewId
    kept.views.clear()
    kept.pictures.forEach(one => one.close())
    kept.pictures.clear()
  }
  kept.heat[page] ??= remembered(`assay-heat-${page}`) ?? head.shows_heat
  const isHeatOn = () => kept.heat[page]
  root.replaceChildren()
  const drawn = panes.map(one => pane(root, one, isHeatOn))
  let active = drawn[0]
  const choose = one => {
    active = one
    drawn.forEach(other => other.box.classList.toggle('active', drawn.length > 1 && other === one))
    showTools()
  }
  drawn.forEach(one => one.box.addEventListener('pointerenter', () => choose(one)))
  const run = command => {
    if (!active || !(command in COMMANDS)) return
    if (command === 'heat') {
      kept.heat[page] = !kept.heat[page]
      remember(`assay-heat-${page}`, kept.heat[page])
      drawn.forEach(one => one.paint())
    } else if (command === 'invert') {
      const inverted = !active.view.inverted
      drawn.forEach(one => { one.view.inverted = inverted; one.develop() })
    } else COMMANDS[command](active)
    if (command.startsWith('zoom') || command === 'actual') zoomed(viewId)
    showTools()
  }
  const hasHeat = panes.some(one => one.heat)
  const showTools = tools(parentElement.querySelector('.tools'), keys, run, { hasHeat, isHeatOn, active: () => active })
  if (active) choose(active)

  const onKey = event => {
    if (event.repeat && !event.key.startsWith('Arrow') && !'+-=[],.'.includes(event.key)) return
    if (event.isComposing || isTyping(event)) return
    const command = keys[keyName(event)] ?? (event.shiftKey ? MOVES[event.key] : undefined)
    if (!command || !active) return
    event.preventDefault()
    run(command)
  }
  document.addEventListener('keydown', onKey)
  const watch = new ResizeObserver(() => drawn.forEach(one => one.paint()))
  watch.observe(root)
  const leaving = new AbortController()
  const painted = Promise.all(drawn.map(one => one.begin())).then(() => { host.dataset.painted = viewId })
  const timer = setTimeout(async () => {
    await painted
    await Promise.all(drawn.map(one => one.complete(leaving.signal)))
    for (const address of next) fetch(address, { priority: 'low', signal: leaving.signal }).then(one => one.blob()).catch(() => {})
  }, DWELL_MS)
  const onZoom = () => zoomed(viewId)
  root.addEventListener('zoomed', onZoom)
  kept.stop = () => {
    clearTimeout(timer)
    leaving.abort()
    document.removeEventListener('keydown', onKey)
    root.removeEventListener('zoomed', onZoom)
    watch.disconnect()
  }
  return kept.stop
}

const MOVES = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' }
const COMMANDS = {
  heat: null,
  invert: null,
  zoom_in: one => one.zoom(1.25),
  zoom_out: one => one.zoom(0.8),
  actual: one => one.actual(),
  fit: one => one.reset(),
  contrast_up: one => one.window(0, 1 / 1.15),
  contrast_down: one => one.window(0, 1.15),
  brighter: one => one.window(-0.03, 1),
  darker: one => one.window(0.03, 1),
  auto_window: one => one.spread(0.005, 0.995),
  dark_window: one => one.spread(0.005, 0.6),
  bright_window: one => one.spread(0.4, 0.998),
  rotate: one => one.rotate(),
  flip: one => one.flip(),
  measure: one => one.measure(),
  left: one => one.move(40, 0),
  right: one => one.move(-40, 0),
  up: one => one.move(0, 40),
  down: one => one.move(0, -40),
}
const TOOLS = [
  ['zoom_out', '−', 'Smaller'], ['zoom_in', '+', 'Larger'], ['fit', 'Fit', 'All of it, as it came'],
  ['actual', '1:1', 'Every pixel of the picture as one of the screen'],
  ['darker', '◑−', 'Darker'], ['brighter', '◑+', 'Brighter'],
  ['contrast_down', '◐−', 'Less contrast'], ['contrast_up', '◐+', 'More contrast'],
  ['auto_window', 'Auto', 'Window of what is there'],
  ['dark_window', 'Dark parts', 'Window of the dark parts, in a radiograph the lungs'],
  ['bright_window', 'Bright parts', 'Window of the bright parts, in a radiograph the bones'],
  ['invert', 'Invert', 'Black for white'], ['rotate', '↻', 'A quarter turn'], ['flip', '⇋', 'Mirror left and right'],
  ['measure', 'Measure', 'Draw a line and read its length'], ['heat', 'Heat map', 'Where the verdict was decided'],
]

// Draws the buttons anew and gives what brings their state up to date.
function tools(bar, keys, run, { hasHeat, isHeatOn, active }) {
  const keyOf = Object.fromEntries(Object.entries(keys).map(([key, command]) => [command, key]))
  bar.replaceChildren()
  const buttons = TOOLS.filter(([command]) => command !== 'heat' || hasHeat).map(([command, label, help]) => {
    const button = element(bar, 'button', '')
    const key = keyOf[command]
    button.type = 'button'
    button.dataset.command = command
    button.textContent = label
    button.title = key ? `${help} (${key})` : help
    button.setAttribute('aria-label', help)
    if (key) button.setAttribute('aria-keyshortcuts', key)
    // A click with the mouse leaves the cursor where it was, so that the keys go on working.
    button.addEventListener('pointerdown', event => event.preventDefault())
    button.addEventListener('click', () => run(command))
    return [command, button]
  })
  return () => {
    const view = active()?.view
    const on = { heat: isHeatOn(), invert: view?.inverted, flip: view?.mirrored, measure: view?.measures }
    for (const [command, button] of buttons)
      if (command in on) button.setAttribute('aria-pressed', Boolean(on[command]))
  }
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

function element(parent, kind, name) {
  const made = document.createElement(kind)
  made.className = name
  parent.append(made)
  return made
}
