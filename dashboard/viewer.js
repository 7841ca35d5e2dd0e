// Looks at grey pictures of 16 bits: window and level, zoom, invert, heat map. Asks nobody for
// anything. What the person has set lives on the window object, so that a rerun keeps it.

const WHITE = 65535
const kept = (window.assayViewer ??= { viewId: null, heat: false, views: new Map() })

export default function ({ data, parentElement }) {
  kept.stop?.() // called anew for every rerun, and only the last one is stopped at its end
  const root = parentElement.querySelector('.panes')
  const { view_id: viewId, panes } = unpacked(data)
  const host = parentElement.host ?? parentElement
  host.dataset.viewId = viewId
  if (kept.viewId !== viewId) {
    kept.viewId = viewId
    kept.views.clear()
  }
  root.replaceChildren()
  const drawn = panes.map(one => pane(root, one))
  let active = drawn[0]
  const choose = one => {
    active = one
    drawn.forEach(other => other.box.classList.toggle('active', drawn.length > 1 && other === one))
  }
  drawn.forEach(one => one.box.addEventListener('pointerenter', () => choose(one)))
  if (active) choose(active)

  const onKey = event => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    const step = COMMANDS[event.shiftKey && event.key.startsWith('Arrow') ? `Shift${event.key}` : event.key.toLowerCase()]
    if (!step || !active) return
    event.preventDefault()
    if (step === 'heat') {
      kept.heat = !kept.heat
      drawn.forEach(one => one.paint())
    } else if (step === 'invert') {
      const inverted = !active.view.inverted
      drawn.forEach(one => { one.view.inverted = inverted; one.develop() })
    } else step(active)
  }
  document.addEventListener('keydown', onKey)
  const watch = new ResizeObserver(() => drawn.forEach(one => one.paint()))
  watch.observe(root)
  host.dataset.painted = viewId
  kept.stop = () => {
    document.removeEventListener('keydown', onKey)
    watch.disconnect()
  }
  return kept.stop
}

const COMMANDS = {
  i: 'invert',
  h: 'heat',
  '+': one => one.zoom(1.25),
  '=': one => one.zoom(1.25),
  '-': one => one.zoom(0.8),
  '0': one => one.reset(),
  '[': one => one.window(0, 1 / 1.15),
  ']': one => one.window(0, 1.15),
  ',': one => one.window(-0.03, 1),
  '.': one => one.window(0.03, 1),
  w: one => one.spread(),
  ShiftArrowLeft: one => one.move(40, 0),
  ShiftArrowRight: one => one.move(-40, 0),
  ShiftArrowUp: one => one.move(0, 40),
  ShiftArrowDown: one => one.move(0, -40),
}

function isTyping(target) {
  return target instanceof Element && target.closest('input, textarea, [contenteditable=true]')
}

function unpacked(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data ?? 0)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  const part = (one, size) => {
    const start = bytes.byteOffset + 4 + length + one.offset
    return bytes.buffer.slice(start, start + size * one.height * one.width)
  }
  for (const one of head.panes) {
    if (one.plate) one.plate.pixels = new Uint16Array(part(one.plate, 2))
    if (one.heat) one.heat.pixels = new Int8Array(part(one.heat, 1))
  }
  return head
}

function fresh() {
  return { centre: WHITE / 2, width: WHITE, inverted: false, scale: 1, x: 0, y: 0 }
}

function pane(root, one) {
  const box = element(root, 'div', 'pane')
  const canvas = element(box, 'canvas', '')
  canvas.setAttribute('role', 'img')
  canvas.setAttribute('aria-label', [one.title, one.missing].filter(Boolean).join('. '))
  element(box, 'div', 'corner top left').textContent = one.title
  element(box, 'div', 'corner top right').textContent = one.note
  const caption = element(box, 'div', 'corner bottom left')
  element(box, 'div', 'corner bottom right').textContent = one.disclaimer
  if (!one.plate) {
    element(box, 'div', 'missing').textContent = one.missing
    return { box, view: fresh(), ...idle }
  }
  if (!kept.views.has(one.key)) kept.views.set(one.key, fresh())
  const view = kept.views.get(one.key)
  const picture = sheet(one.plate)
  const heat = one.heat && coloured(one.heat)
  const fit = () => {
    const ratio = window.devicePixelRatio || 1
    const [width, height] = [box.clientWidth * ratio, box.clientHeight * ratio]
    const base = Math.min(width / one.plate.width, height / one.plate.height)
    return { width, height, ratio, scale: base * view.scale }
  }

  const paint = () => {
    const { width, height, ratio, scale } = fit()
    if (canvas.width !== Math.round(width)) canvas.width = Math.round(width)
    if (canvas.height !== Math.round(height)) canvas.height = Math.round(height)
    const [w, h] = [one.plate.width * scale, one.plate.height * scale]
    const [left, top] = [(width - w) / 2 + view.x * ratio, (height - h) / 2 + view.y * ratio]
    const context = canvas.getContext('2d')
    context.fillStyle = '#000'
    context.fillRect(0, 0, width, height)
    context.imageSmoothingEnabled = scale < 3
    context.drawImage(picture.canvas, left, top, w, h)
    if (heat && kept.heat) {
      context.imageSmoothingEnabled = true
      context.drawImage(heat, left, top, w, h)
    }
    const [centre, span] = [view.centre, view.width].map(x => Math.round((100 * x) / WHITE))
    const words = [`level ${centre} %`, `window ${span} %`, `zoom ${view.scale.toFixed(1)}`]
    if (view.inverted) words.push('inverted')
    if (heat) words.push(kept.heat ? 'heat map on' : 'heat map off')
    caption.textContent = words.join(' · ')
    box.dataset.heat = heat ? (kept.heat ? 'on' : 'off') : 'none'
    box.dataset.inverted = view.inverted
  }
  const develop = () => {
    picture.develop(view)
    paint()
  }
  const zoom = (factor, x = 0, y = 0) => {
    const next = Math.min(20, Math.max(1, view.scale * factor))
    const by = next / view.scale
    view.x = x - (x - view.x) * by
    view.y = y - (y - view.y) * by
    view.scale = next
    if (next === 1) view.x = view.y = 0
    paint()
  }
  const move = (x, y) => {
    view.x += x
    view.y += y
    paint()
  }
  const setWindow = (shift, factor) => {
    view.centre = Math.min(WHITE, Math.max(0, view.centre + shift * WHITE))
    view.width = Math.min(2 * WHITE, Math.max(WHITE / 256, view.width * factor))
    develop()
  }
  const spread = () => {
    const [low, high] = picture.middle()
    const already = view.width === high - low
    view.centre = already ? WHITE / 2 : (low + high) / 2
    view.width = already ? WHITE : high - low
    develop()
  }
  const reset = () => {
    Object.assign(view, fresh())
    develop()
  }
  hands(box, { zoom, move, window: setWindow, reset })
  develop()
  return { box, view, paint, develop, zoom, move, window: setWindow, spread, reset }
}

const nothing = () => {}
const idle = {
  paint: nothing, develop: nothing, zoom: nothing, move: nothing, window: nothing, spread: nothing,
  reset: nothing,
}

// Dragging sets window and level; with shift or another button it moves; the wheel zooms.
function hands(box, { zoom, move, window: setWindow, reset }) {
  box.addEventListener('pointerdown', event => box.setPointerCapture(event.pointerId))
  box.addEventListener('pointermove', event => {
    if (!event.buttons) return
    if (event.shiftKey || event.buttons !== 1) move(event.movementX, event.movementY)
    else setWindow(-event.movementY / 700, Math.exp(event.movementX / 300))
  })
  box.addEventListener('wheel', event => {
    event.preventDefault()
    const rect = box.getBoundingClientRect()
    const x = event.clientX - rect.left - rect.width / 2
    const y = event.clientY - rect.top - rect.height / 2
    zoom(Math.exp(-event.deltaY / 400), x, y)
  }, { passive: false })
  box.addEventListener('dblclick', reset)
  box.addEventListener('contextmenu', event => event.preventDefault())
}

function sheet({ width, height, pixels }) {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  const shown = context.createImageData(width, height)
  const words = new Uint32Array(shown.data.buffer)
  const table = new Uint32Array(WHITE + 1)
  return {
    canvas,
    develop({ centre, width: span, inverted }) {
      const low = centre - span / 2
      for (let level = 0; level <= WHITE; level++) {
        const part = Math.min(1, Math.max(0, (level - low) / span))
        const grey = Math.round(255 * (inverted ? 1 - part : part))
        table[level] = 0xff000000 | (grey * 0x010101)
      }
      for (let i = 0; i < pixels.length; i++) words[i] = table[pixels[i]]
      context.putImageData(shown, 0, 0)
    },
    // The levels between which all but one in a hundred pixels lie.
    middle() {
      const counts = new Uint32Array(WHITE + 1)
      for (const level of pixels) counts[level]++
      const edge = pixels.length / 200
      let [low, high] = [0, WHITE]
      for (let sum = counts[low]; sum < edge; sum += counts[low]) low++
      for (let sum = counts[high]; sum < edge; sum += counts[high]) high--
      return high > low ? [low, high] : [0, WHITE]
    },
  }
}

// The colours and densities of dashboard.overlay.
function coloured({ width, height, pixels }) {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  const shown = context.createImageData(width, height)
  pixels.forEach((strength, i) => {
    const warm = strength > 0
    shown.data.set(warm ? [255, 96, 0] : [40, 120, 255], 4 * i)
    shown.data[4 * i + 3] = (255 * (warm ? 0.62 : 0.3) * Math.abs(strength)) / 127
  })
  context.putImageData(shown, 0, 0)
  return canvas
}

function element(parent, kind, name) {
  const made = document.createElement(kind)
  made.className = name
  parent.append(made)
  return made
}
