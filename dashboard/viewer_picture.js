// A picture's pixels: few of them at once, all of them later; grey of 16 bits or a JPEG in colour.

const WHITE = 65535
const SETTLED_MS = 140 // while a window is dragged only the small picture is worked out anew

class Picture {
  constructor(plate) {
    this.plate = plate
    this.small = null
    this.whole = null
    this.timer = 0
  }

  get isComplete() { return this.whole !== null }
  get width() { return (this.whole ?? this.small).width }
  get height() { return (this.whole ?? this.small).height }

  async begin() {
    const { kind, width, height, bytes } = this.plate
    this.small ??= kind === 'grey16' ? new Grey(width, height, bytes) : await Colour.of(new Blob([bytes]))
  }

  async complete(address, view, signal) {
    if (this.whole) return
    const reply = await fetch(address, { signal })
    if (!reply.ok) throw new Error(reply.status === 404 ? await reply.text() : `the server answered ${reply.status}`)
    if (this.plate.kind === 'grey16') {
      const bytes = await reply.arrayBuffer()
      const [height, width] = new Uint32Array(bytes, 0, 2)
      this.whole = new Grey(width, height, bytes.slice(8))
      this.whole.develop(view)
    } else this.whole = await Colour.of(await reply.blob())
  }

  develop(view, paint) {
    this.small.develop(view)
    clearTimeout(this.timer)
    if (this.whole && !this.whole.isDeveloped(view))
      this.timer = setTimeout(() => {
        this.whole.develop(view)
        paint()
      }, SETTLED_MS)
  }

  draw(context, view, width, height, scale) {
    if (!this.small) return
    const shown = this.whole?.isDeveloped(view) ? this.whole : this.small
    context.imageSmoothingEnabled = scale < 3
    context.imageSmoothingQuality = 'high'
    context.filter = shown.filter(view)
    context.drawImage(shown.drawable, 0, 0, width, height)
    context.filter = 'none'
  }

  between(from, to) { return this.small.between(from, to) }

  close() {
    clearTimeout(this.timer)
    for (const one of [this.small, this.whole]) one?.close()
  }
}

class Grey {
  constructor(width, height, bytes) {
    Object.assign(this, { width, height, pixels: new Uint16Array(bytes), set: '' })
    this.drawable = new OffscreenCanvas(width, height)
    this.context = this.drawable.getContext('2d')
    this.shown = this.context.createImageData(width, height)
    this.words = new Uint32Array(this.shown.data.buffer)
  }

  isDeveloped(view) { return this.set === windowOf(view) }
  filter() { return 'none' }

  develop(view) {
    if (this.isDeveloped(view)) return
    const { centre, width: span, inverted } = view
    const low = centre - span / 2
    const table = new Uint32Array(WHITE + 1)
    for (let level = 0; level <= WHITE; level++) {
      const part = Math.min(1, Math.max(0, (level - low) / span))
      const grey = Math.round(255 * (inverted ? 1 - part : part))
      table[level] = 0xff000000 | (grey * 0x010101)
    }
    const { words, pixels } = this
    for (let i = 0; i < pixels.length; i++) words[i] = table[pixels[i]]
    this.context.putImageData(this.shown, 0, 0)
    this.set = windowOf(view)
  }

  between(from, to) { return levelsBetween(this.pixels, from, to) }
  close() { this.pixels = this.words = this.shown = null }
}

class Colour {
  static async of(blob) {
    const made = new Colour()
    made.drawable = await createImageBitmap(blob)
    made.width = made.drawable.width
    made.height = made.drawable.height
    return made
  }

  isDeveloped() { return true }
  develop() {}

  // brightness(b) contrast(c) makes c·b·x + (1 - c)/2 of x; that is (x - low)/span for these two.
  filter({ centre, width, inverted }) {
    if (centre === WHITE / 2 && width === WHITE && !inverted) return 'none'
    const [middle, span] = [centre / WHITE, width / WHITE]
    return `brightness(${1 / (2 * middle)}) contrast(${(2 * middle) / span})${inverted ? ' invert(1)' : ''}`
  }

  between(from, to) {
    const side = 256
    const canvas = new OffscreenCanvas(side, side)
    const context = canvas.getContext('2d')
    context.drawImage(this.drawable, 0, 0, side, side)
    const { data } = context.getImageData(0, 0, side, side)
    const greys = new Uint16Array(side * side)
    for (let i = 0; i < greys.length; i++)
      greys[i] = 257 * (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2])
    return levelsBetween(greys, from, to)
  }

  close() { this.drawable.close() }
}

function windowOf({ centre, width, inverted }) {
  return `${centre} ${width} ${inverted}`
}

// The levels between which the pixels of these two shares lie.
function levelsBetween(pixels, from, to) {
  const counts = new Uint32Array(WHITE + 1)
  for (const level of pixels) counts[level]++
  const reach = share => {
    let level = 0
    for (let sum = counts[0]; sum < share * pixels.length && level < WHITE; sum += counts[level]) level++
    return level
  }
  const [low, high] = [reach(from), reach(to)]
  return high > low ? [low, high] : [0, WHITE]
}

// The colours and densities of dashboard.overlay.
function coloured({ width, height, bytes }) {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  const shown = context.createImageData(width, height)
  new Int8Array(bytes).forEach((strength, i) => {
    const warm = strength > 0
    shown.data.set(warm ? [255, 96, 0] : [40, 120, 255], 4 * i)
    shown.data[4 * i + 3] = (255 * (warm ? 0.62 : 0.3) * Math.abs(strength)) / 127
  })
  context.putImageData(shown, 0, 0)
  return canvas
}
