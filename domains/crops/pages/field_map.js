// A field from above: areas and points, zoomed and moved in the browser. Points that would cover
// each other are drawn as one circle with their number. Everything can be reached by keys.

const SVG = 'http://www.w3.org/2000/svg'
const NEAR = 44 // pixels: the size of a finger

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.field-map')
  let map = root.assayMap
  if (!map) map = root.assayMap = new FieldMap(root)
  map.pick = id => setTriggerValue('picked', (map.own = id))
  map.place = at => setTriggerValue('place', at)
  map.show(data)
}

class FieldMap {
  constructor(root) {
    this.root = root
    this.svg = node('svg', { role: 'group', tabindex: 0 })
    this.pattern = hatching()
    const defs = node('defs', {})
    defs.append(this.pattern)
    this.svg.append(defs)
    this.ground = node('g', {})
    this.layer = node('g', {})
    this.svg.append(this.ground, this.layer)
    this.shapes = []
    this.ground.addEventListener('click', ({ target }) => this.moved > 4 || this.pick(target.closest('.area').dataset.id))
    this.ground.addEventListener('pointerover', ({ target }) => this.name(target.closest('.area')))
    const bar = document.createElement('div')
    bar.className = 'bar'
    this.buttons = {}
    for (const [name, sign, act] of [
      ['closer', '+', () => this.zoom(0.6)], ['farther', '−', () => this.zoom(1 / 0.6)], ['all', '⤢', () => this.fit()],
    ]) {
      const button = (this.buttons[name] = document.createElement('button'))
      button.type = 'button'
      button.textContent = sign
      button.addEventListener('click', act)
      bar.append(button)
    }
    root.replaceChildren(this.svg, bar)
    this.svg.addEventListener('wheel', event => {
      event.preventDefault()
      this.zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, this.at(event))
    }, { passive: false })
    this.svg.addEventListener('keydown', event => this.key(event))
    this.svg.addEventListener('click', event => {
      if (this.data.takesPlaces && !(this.moved > 4) && !event.target.closest('.point')) this.place(this.at(event))
    })
    this.drag()
    new ResizeObserver(() => this.draw()).observe(root)
  }

  show(data) {
    const isNew = this.data?.view !== data.view
    this.data = data
    this.svg.setAttribute('aria-label', data.title)
    for (const [name, button] of Object.entries(this.buttons)) button.setAttribute('aria-label', data.words[name])
    this.root.classList.toggle('places', data.takesPlaces)
    this.cover()
    if (isNew) this.fit()
    else this.draw()
    // Picked elsewhere on the page: brought into sight, here and on the map.
    if (data.picked && data.picked !== this.own) {
      const one = data.points.find(point => point.id === data.picked)
      if (one) this.centre(one)
    }
    this.own = data.picked
  }

  centre({ x, y }) {
    const { size } = this.view
    const isInside = Math.abs(x - this.view.x - size / 2) < 0.4 * size && Math.abs(y - this.view.y - size / 2) < 0.4 * size
    if (!isInside) this.view = { x: x - size / 2, y: y - size / 2, size }
    this.draw()
    this.root.scrollIntoView({ block: 'nearest' })
  }

  fit() {
    const [x, y, width, height] = this.data.box
    const margin = 0.08 * Math.max(width, height) + 1
    this.view = { x: x - margin, y: y - margin, size: Math.max(width, height) + 2 * margin }
    if (width < height) this.view.x -= (height - width) / 2
    else this.view.y -= (width - height) / 2
    this.draw()
  }

  zoom(factor, [x, y] = [this.view.x + this.view.size / 2, this.view.y + this.view.size / 2]) {
    const whole = Math.max(this.data.box[2], this.data.box[3], 1)
    const size = Math.min(Math.max(this.view.size * factor, whole / 400), whole * 3)
    const ratio = size / this.view.size
    this.view = { x: x - (x - this.view.x) * ratio, y: y - (y - this.view.y) * ratio, size }
    this.draw()
  }

  at(event) {
    const box = this.svg.getBoundingClientRect()
    const scale = this.view.size / box.width
    return [this.view.x + (event.clientX - box.left) * scale, this.view.y + (event.clientY - box.top) * scale]
  }

  key(event) {
    const step = this.view.size / 8
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }
    if (moves[event.key] && event.target === this.svg) {
      this.view.x += moves[event.key][0]
      this.view.y += moves[event.key][1]
      this.draw()
    } else if (event.key === '+' || event.key === '=') this.zoom(0.8)
    else if (event.key === '-') this.zoom(1.25)
    else return
    event.preventDefault()
  }

  drag() {
    const held = new Map()
    const spread = () => {
      const [one, other] = [...held.values()]
      return Math.hypot(one.x - other.x, one.y - other.y)
    }
    this.svg.addEventListener('pointerdown', event => {
      held.set(event.pointerId, { x: event.clientX, y: event.clientY })
      this.moved = 0
    })
    this.svg.addEventListener('pointermove', event => {
      const before = held.get(event.pointerId)
      if (!before) return
      const old = held.size === 2 ? spread() : 0
      held.set(event.pointerId, { x: event.clientX, y: event.clientY })
      if (held.size === 2) return this.zoom(old / Math.max(spread(), 1), this.at(event))
      const scale = this.view.size / this.svg.getBoundingClientRect().width
      this.view.x -= (event.clientX - before.x) * scale
      this.view.y -= (event.clientY - before.y) * scale
      this.moved += Math.abs(event.clientX - before.x) + Math.abs(event.clientY - before.y)
      if (this.moved > 4) this.draw()
    })
    for (const name of ['pointerup', 'pointercancel', 'pointerleave'])
      this.svg.addEventListener(name, event => held.delete(event.pointerId))
  }

  draw() {
    if (!this.data || !this.view) return
    const { x, y, size } = this.view
    const side = this.svg.getBoundingClientRect().width || 600
    const scale = size / side // metres a pixel
    this.svg.setAttribute('viewBox', `${x} ${y} ${size} ${size}`)
    this.pattern.setAttribute('patternTransform', `rotate(45) scale(${scale})`)
    // Lines between areas would cover areas of a few pixels.
    const [, , width, height] = this.data.box
    this.ground.classList.toggle('fine', Math.sqrt((width * height) / this.shapes.length) < 8 * scale)
    this.layer.replaceChildren(
      ...this.groups(NEAR * scale).map(group => this.circle(group, scale)),
      ...this.data.labels.map(one => label(one, scale)),
      ruler(this.view, scale),
    )
  }

  // There may be tens of thousands of areas: they stay while the map is moved, and only what has
  // changed of them is touched.
  cover() {
    const { areas, picked } = this.data
    if (areas.length !== this.shapes.length || areas.some((one, n) => one.path !== this.shapes[n].path)) {
      this.shapes = areas.map(one => ({ path: one.path, area: node('path', { d: one.path, 'data-id': one.id }) }))
      this.ground.replaceChildren(...this.shapes.map(one => one.area))
    }
    const raised = [[], []]
    areas.forEach((one, n) => {
      const { area } = this.shapes[n]
      const style = `area ${one.kind}${one.id === picked ? ' picked' : ''}`
      if (area.getAttribute('class') !== style) area.setAttribute('class', style)
      if (one.id === picked) raised[1].push(area)
      else if (one.kind.includes('answered')) raised[0].push(area)
    })
    // A frame is whole only where no neighbour is drawn over it.
    this.ground.append(...raised.flat())
  }

  // What a pointer over an area reads.
  name(area) {
    const one = area && this.data.areas.find(one => one.id === area.dataset.id)
    if (one) area.replaceChildren(titled(one.text))
  }

  groups(near) {
    const cells = new Map()
    for (const one of this.data.points) {
      const key = `${Math.floor(one.x / near)}|${Math.floor(one.y / near)}`
      if (!cells.has(key)) cells.set(key, [])
      cells.get(key).push(one)
    }
    return [...cells.values()]
  }

  circle(group, scale) {
    const middle = axis => group.reduce((sum, one) => sum + one[axis], 0) / group.length
    const worst = group[0] // points come with the most urgent first
    const text = group.length === 1 ? worst.text : this.data.words.several.replace('{count}', group.length)
    const isPicked = group.some(one => one.id === this.data.picked)
    const mark = node('g', {
      class: `point ${worst.kind}${isPicked ? ' picked' : ''}`, tabindex: 0, role: 'button', 'aria-label': text,
      transform: `translate(${middle('x')} ${middle('y')}) scale(${scale})`, 'data-id': worst.id,
    })
    mark.append(node('circle', { r: group.length === 1 ? 9 : 14 }), titled(text))
    if (group.length > 1) mark.append(words(group.length, 5))
    const act = () => {
      if (this.moved > 4) return
      if (group.length > 1 && this.view.size > 20 * scale) this.zoom(0.5, [middle('x'), middle('y')])
      this.pick(worst.id)
    }
    mark.addEventListener('click', act)
    mark.addEventListener('keydown', event => {
      if (event.key !== 'Enter' && event.key !== ' ') return
      event.preventDefault()
      this.moved = 0
      act()
    })
    return mark
  }
}

function label({ x, y, text }, scale) {
  const mark = node('g', { class: 'label', transform: `translate(${x} ${y}) scale(${scale})`, 'aria-hidden': true })
  mark.append(node('circle', { r: 11 }), words(text, 4))
  return mark
}

// A length that is a round number of metres, in the lower left corner.
function ruler({ x, y, size }, scale) {
  const most = size / 4
  const power = 10 ** Math.floor(Math.log10(most))
  const metres = [5, 2, 1].map(one => one * power).find(one => one <= most)
  const mark = node('g', { class: 'ruler', transform: `translate(${x + 12 * scale} ${y + size - 12 * scale})`, 'aria-hidden': true })
  mark.append(node('path', { d: `M0 ${-6 * scale}V0H${metres}V${-6 * scale}` }))
  const text = words(metres >= 1000 ? `${metres / 1000} km` : `${metres} m`, -8)
  text.setAttribute('transform', `translate(${metres / 2} 0) scale(${scale})`)
  mark.append(text)
  return mark
}

function hatching() {
  const pattern = node('pattern', { id: 'assay-hatched', width: 6, height: 6, patternUnits: 'userSpaceOnUse' })
  pattern.append(node('rect', { width: 6, height: 6, fill: '#fff' }), node('rect', { width: 2.4, height: 6, fill: '#44506a' }))
  return pattern
}

function titled(text) {
  const title = node('title', {})
  title.textContent = text
  return title
}

function words(text, y) {
  const mark = node('text', { 'text-anchor': 'middle', y })
  mark.textContent = text
  return mark
}

function node(name, values) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(values)) element.setAttribute(key, value)
  return element
}
