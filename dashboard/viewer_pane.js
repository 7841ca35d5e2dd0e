// One picture: where it stands, how it is windowed, what is drawn over it.

function fresh() {
  return {
    centre: WHITE / 2, width: WHITE, inverted: false, scale: 1, x: 0, y: 0, turn: 0, mirrored: false,
    measures: false, line: null,
  }
}

function pane(root, one, isHeatOn) {
  const box = element(root, 'div', 'pane')
  const canvas = element(box, 'canvas', '')
  canvas.setAttribute('role', 'img')
  canvas.setAttribute('aria-label', [one.title, one.missing].filter(Boolean).join('. ') || 'Picture')
  element(box, 'div', 'corner top left').textContent = one.title
  const note = element(box, 'div', 'corner top right')
  note.textContent = one.note
  const caption = element(box, 'div', 'corner bottom left')
  element(box, 'div', 'corner bottom right').textContent = one.disclaimer
  if (!one.plate) {
    element(box, 'div', 'missing').textContent = one.missing
    return { box, view: fresh(), ...idle }
  }
  if (!kept.views.has(one.key)) kept.views.set(one.key, fresh())
  if (!kept.pictures.has(one.key)) kept.pictures.set(one.key, new Picture(one.plate))
  const view = kept.views.get(one.key)
  const picture = kept.pictures.get(one.key)
  const heat = one.heat && coloured(one.heat)
  let [height, width] = one.size
  const isTurned = () => view.turn % 180 !== 0

  // From the picture's own pixels to those of the canvas, with its middle where the view has it.
  const placed = () => {
    const ratio = window.devicePixelRatio || 1
    const [w, h] = [box.clientWidth * ratio, box.clientHeight * ratio]
    const [across, down] = isTurned() ? [height, width] : [width, height]
    const base = Math.min(w / across, h / down)
    const scale = base * view.scale
    const matrix = new DOMMatrix()
      .translate(w / 2 + view.x * ratio, h / 2 + view.y * ratio)
      .scale(view.mirrored ? -scale : scale, scale)
      .rotate(view.turn)
      .translate(-width / 2, -height / 2)
    // Half a pixel beside the screen's own, every pixel would be mixed with its neighbour.
    matrix.e = Math.round(matrix.e)
    matrix.f = Math.round(matrix.f)
    return { w, h, ratio, base, scale, matrix }
  }

  const paint = () => {
    const { w, h, ratio, scale, matrix } = placed()
    if (canvas.width !== Math.round(w)) canvas.width = Math.round(w)
    if (canvas.height !== Math.round(h)) canvas.height = Math.round(h)
    const context = canvas.getContext('2d')
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.fillStyle = '#000'
    context.fillRect(0, 0, w, h)
    context.setTransform(matrix)
    picture.draw(context, view, width, height, scale)
    if (heat && isHeatOn()) {
      context.imageSmoothingEnabled = true
      context.drawImage(heat, 0, 0, width, height)
    }
    if (view.line) drawLine(context, view.line, scale / ratio)
    caption.textContent = words(scale)
    box.style.touchAction = view.scale > 1 || view.measures ? 'none' : 'pan-y'
    Object.assign(box.dataset, {
      heat: heat ? (isHeatOn() ? 'on' : 'off') : 'none', inverted: view.inverted, turn: view.turn,
      mirrored: view.mirrored, resolution: picture.isComplete || !one.full ? 'full' : 'preview',
    })
  }
  const words = scale => {
    const [centre, span] = [view.centre, view.width].map(x => Math.round((100 * x) / WHITE))
    const parts = [`level ${centre} %`, `window ${span} %`, `zoom ${view.scale.toFixed(1)}`]
    parts.push(`${width} × ${height} px at ${Math.round(100 * scale)} %`)
    if (picture.isComplete && picture.width < width) parts.push(`shown from ${picture.width} × ${picture.height}`)
    if (view.inverted) parts.push('inverted')
    if (view.turn) parts.push(`turned ${view.turn}°`)
    if (view.mirrored) parts.push('mirrored')
    if (heat) parts.push(isHeatOn() ? 'heat map on' : 'heat map off')
    if (view.line) parts.push(lengthOf(view.line, one.spacing))
    else if (view.measures) parts.push('drag a line')
    return parts.join(' · ')
  }
  const develop = () => {
    picture.develop(view, paint)
    paint()
  }
  const zoom = (factor, x = 0, y = 0) => {
    const most = Math.max(20, 8 / placed().base)
    const next = Math.min(most, Math.max(1, view.scale * factor))
    const by = next / view.scale
    view.x = next === 1 ? 0 : x - (x - view.x) * by
    view.y = next === 1 ? 0 : y - (y - view.y) * by
    view.scale = next
    paint()
  }
  const change = values => {
    Object.assign(view, values)
    paint()
  }
  const made = {
    box, view, paint, develop, zoom,
    begin: () => picture.begin(view, paint).then(develop),
    complete: signal => one.full && picture.complete(one.full, view, signal)
      .then(() => { if (one.sizeIsOfFull) [height, width] = [picture.height, picture.width] })
      .then(develop)
      .catch(failed => { if (failed.name !== 'AbortError') note.textContent = `The full picture cannot be shown: ${failed.message}` }),
    move: (x, y) => change({ x: view.x + x, y: view.y + y }),
    actual: () => zoom(1 / placed().scale),
    window: (shift, factor) => {
      view.centre = Math.min(WHITE, Math.max(0.02 * WHITE, view.centre + shift * WHITE))
      view.width = Math.min(2 * WHITE, Math.max(WHITE / 256, view.width * factor))
      develop()
    },
    spread: (from, to) => {
      const [low, high] = picture.between(from, to)
      const isSet = view.width === high - low && view.centre === (low + high) / 2
      view.centre = isSet ? WHITE / 2 : (low + high) / 2
      view.width = isSet ? WHITE : high - low
      develop()
    },
    rotate: () => change({ turn: (view.turn + 90) % 360, x: 0, y: 0 }),
    flip: () => change({ mirrored: !view.mirrored }),
    measure: () => change({ measures: !view.measures, line: null }),
    reset: () => {
      Object.assign(view, fresh())
      develop()
    },
    // Where a pointer is in the picture's own pixels.
    pixel: event => {
      const { ratio, matrix } = placed()
      const rect = box.getBoundingClientRect()
      return matrix.inverse().transformPoint(
        new DOMPoint((event.clientX - rect.left) * ratio, (event.clientY - rect.top) * ratio))
    },
    draw: line => change({ line }),
  }
  hands(made, one.kind)
  return made
}

const nothing = () => {}
const idle = {
  paint: nothing, develop: nothing, zoom: nothing, move: nothing, window: nothing, spread: nothing,
  reset: nothing, rotate: nothing, flip: nothing, measure: nothing, actual: nothing,
  begin: async () => {}, complete: async () => {},
}

// Dragging moves a photograph and windows a radiograph, with shift or another button it moves either,
// while measuring it draws a line; the wheel and two fingers zoom.
function hands(one, kind) {
  const { box, view } = one
  const fingers = new Map()
  let from = null
  const apart = () => {
    const [a, b] = [...fingers.values()]
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY)
  }
  box.addEventListener('pointerdown', event => {
    box.setPointerCapture(event.pointerId)
    fingers.set(event.pointerId, event)
    if (view.measures) from = one.pixel(event)
  })
  box.addEventListener('pointermove', event => {
    if (!event.buttons) return
    if (fingers.size === 2) {
      const before = apart()
      fingers.set(event.pointerId, event)
      one.zoom(apart() / Math.max(1, before))
    } else if (view.measures && from) one.draw([from, one.pixel(event)])
    else if (event.shiftKey || event.buttons !== 1 || kind !== 'grey16') { if (view.scale > 1) one.move(event.movementX, event.movementY) }
    else one.window(-event.movementY / 700, Math.exp(event.movementX / 300))
  })
  for (const end of ['pointerup', 'pointercancel'])
    box.addEventListener(end, event => {
      fingers.delete(event.pointerId)
      from = null
    })
  box.addEventListener('wheel', event => {
    event.preventDefault()
    const rect = box.getBoundingClientRect()
    one.zoom(
      Math.exp(-event.deltaY / 400),
      event.clientX - rect.left - rect.width / 2,
      event.clientY - rect.top - rect.height / 2)
    box.dispatchEvent(new CustomEvent('zoomed', { bubbles: true }))
  }, { passive: false })
  box.addEventListener('dblclick', () => one.reset())
  box.addEventListener('contextmenu', event => event.preventDefault())
}

function drawLine(context, [from, to], scale) {
  for (const [colour, width] of [['#000', 4], ['#ffd500', 2]]) {
    context.strokeStyle = colour
    context.lineWidth = width / scale
    context.beginPath()
    context.moveTo(from.x, from.y)
    context.lineTo(to.x, to.y)
    context.stroke()
  }
}

// In millimetres where the file says how far its pixels are apart; rows and columns may differ.
function lengthOf([from, to], spacing) {
  const [x, y] = [to.x - from.x, to.y - from.y]
  if (!spacing) return `${Math.hypot(x, y).toFixed(0)} px`
  return `${Math.hypot(x * spacing[1], y * spacing[0]).toFixed(1)} mm by the file's own pixel spacing`
}
