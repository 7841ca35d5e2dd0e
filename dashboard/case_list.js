// Draws the list of cases as rows or as small pictures. A click on one opens it, as does Enter on
// its link; with a modifier the browser opens it beside. Texts are set as text, never as markup.

const kept = (window.assayCaseList ??= { chosen: new Set() })

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.list')
  const host = parentElement.host ?? parentElement
  const known = new Set(data.lines.map(line => line.id))
  if (!data.selecting || data.selection !== kept.selection) kept.chosen.clear()
  kept.selection = data.selection
  root.className = `list ${data.mode}${data.selecting ? ' selecting' : ''}`
  const box = data.mode === 'grid' ? grid(data) : table(data)
  const bar = data.selecting ? selectionBar(data, () => [...kept.chosen], known, redraw, setTriggerValue) : null
  root.replaceChildren(...(bar ? [bar.box] : []), box)
  redraw()
  host.dataset.drawn = data.drawn

  const links = () => [...root.querySelectorAll('a[data-id]')]
  let last = null
  root.onclick = event => {
    const line = event.target.closest('[data-line]')
    if (!line) return
    if (data.selecting) {
      event.preventDefault()
      choose(line.dataset.line, event.shiftKey)
    } else if (!(event.ctrlKey || event.metaKey || event.shiftKey || event.button)) {
      event.preventDefault()
      if (root.dataset.opening) return
      root.dataset.opening = line.dataset.line
      setTimeout(() => delete root.dataset.opening, 2000)
      setTriggerValue('open', line.dataset.line)
    }
  }
  root.onkeydown = event => {
    const step = STEPS[event.key]
    const here = links().indexOf(event.target)
    if (here < 0 || !step || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    links()[Math.min(Math.max(here + step(columns(root, data.mode)), 0), links().length - 1)].focus()
  }

  function choose(id, isRange) {
    const ids = data.lines.map(line => line.id)
    const from = isRange && last ? ids.indexOf(last) : ids.indexOf(id)
    const to = ids.indexOf(id)
    const isOn = isRange || !kept.chosen.has(id)
    for (const one of ids.slice(Math.min(from, to), Math.max(from, to) + 1))
      if (isOn) kept.chosen.add(one)
      else kept.chosen.delete(one)
    last = id
    redraw()
  }

  function redraw() {
    for (const one of root.querySelectorAll('[data-line]')) {
      const isOn = kept.chosen.has(one.dataset.line)
      one.classList.toggle('chosen', isOn)
      const link = one.querySelector('a') ?? one
      if (data.selecting) link.setAttribute('aria-pressed', isOn)
    }
    bar?.count(kept.chosen.size)
  }
}

const STEPS = {
  ArrowDown: wide => wide,
  ArrowUp: wide => -wide,
  ArrowRight: () => 1,
  ArrowLeft: () => -1,
}

function columns(root, mode) {
  if (mode !== 'grid') return 1
  const [first, ...rest] = [...root.querySelectorAll('[data-line]')].map(one => one.offsetTop)
  const next = rest.findIndex(top => top !== first)
  return next < 0 ? rest.length + 1 : next + 1
}

function element(name, className, text) {
  const made = document.createElement(name)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function link(line, data, ...parts) {
  const made = element('a')
  made.dataset.id = line.id
  made.href = new URL(`.?${new URLSearchParams({ case: line.id, filter: data.filter })}`, location.href)
  if (data.selecting) made.setAttribute('role', 'button')
  made.append(...parts)
  return made
}

function sign(mark) {
  const made = element('span', `sign ${mark.kind}`)
  const shape = element('i', '', mark.shape)
  shape.setAttribute('aria-hidden', 'true')
  made.append(shape, mark.word)
  return made
}

function table(data) {
  const made = element('table')
  const head = element('tr')
  for (const [name, title] of data.columns) {
    const cell = element('th', name, title)
    cell.scope = 'col'
    head.append(cell)
  }
  const top = element('thead')
  top.append(head)
  const body = element('tbody')
  body.append(...data.lines.map(line => row(line, data)))
  made.append(element('caption', '', data.caption), top, body)
  return made
}

function row(line, data) {
  const made = element('tr')
  made.dataset.line = line.id
  for (const [name] of data.columns) {
    const cell = element('td', name)
    if (name === 'name') cell.append(link(line, data, line.name))
    else if (name === 'verdict') cell.append(sign(line.mark))
    else cell.textContent = line[name] ?? ''
    made.append(cell)
  }
  return made
}

function grid(data) {
  const made = element('div', 'tiles')
  made.append(...data.lines.map(line => {
    const one = link(line, data)
    one.dataset.line = line.id
    if (line.picture) {
      const picture = element('img')
      picture.loading = 'lazy'
      picture.decoding = 'async'
      picture.alt = ''
      picture.onerror = () => picture.replaceWith(element('span', 'missing', data.missing))
      picture.src = new URL(`.${line.picture}`, location.href)
      one.append(picture)
    } else one.append(element('span', 'missing', data.missing))
    one.append(sign(line.mark), line.name)
    return one
  }))
  return made
}

function selectionBar(data, chosen, known, redraw, setTriggerValue) {
  const box = element('div', 'bar')
  const text = element('span')
  text.setAttribute('role', 'status')
  const every = element('button', '', data.words.all)
  every.onclick = () => {
    for (const id of known) kept.chosen.add(id)
    redraw()
  }
  const none = element('button', '', data.words.none)
  none.onclick = () => {
    kept.chosen.clear()
    redraw()
  }
  const go = element('button', 'go', data.words.confirm)
  go.onclick = () => setTriggerValue('confirm', chosen())
  box.append(text, every, none, go)
  return {
    box,
    count: n => {
      text.textContent = data.words.count.replace('{n}', n)
      go.disabled = none.disabled = n === 0
    },
  }
}
