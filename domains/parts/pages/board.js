// Draws the board in place: every element stays, and only what has changed is written. A picture
// takes the place of the one before it once it is decoded, so that none is ever missing.

const SIGNS = { pass: '●', fail: '▲', stop: '!', wait: '…' }
const EVERY_MS = 200
const STALE_MS = 1500

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.board')
  const board = (root.board ??= build(root))
  board.send = setTriggerValue
  board.address = data.address
  board.canName = data.can_name
  if (data.answer && data.answer.tap === board.tap) text(board.answer, data.answer.line)
  if (!board.runs) follow(board)
}

// One request after the other: a server that is slow gets no more of them. What does not answer in
// time must not go on showing the last PASS.
async function follow(board) {
  board.runs = true
  let heard = performance.now()
  while (board.root.isConnected) {
    const began = performance.now()
    try {
      const reply = await fetch(board.address, { cache: 'no-store', signal: AbortSignal.timeout(STALE_MS) })
      if (!reply.ok) throw new Error(reply.statusText)
      show(board, await reply.json())
      heard = performance.now()
    } catch {
      if (performance.now() - heard > STALE_MS) head(board, NOT_CONNECTED)
    }
    await new Promise(done => setTimeout(done, Math.max(20, EVERY_MS - (performance.now() - began))))
  }
  board.runs = false
}

const NOT_CONNECTED = {
  state: 'stop', word: 'NO ANSWER', part_id: '', number: null,
  sentence: 'This page has lost its server: reload it. Nothing passes until then.',
}

function build(root) {
  root.innerHTML = `
    <section class="head" aria-live="polite">
      <div class="word"><span class="sign" aria-hidden="true"></span><span class="text"></span></div>
      <div class="id"></div>
      <div class="why"></div>
    </section>
    <figure class="picture">
      <button type="button" class="frame" title="Enlarge"><img alt="" hidden><span class="none">No picture yet</span></button>
      <figcaption></figcaption>
    </figure>
    <ol class="strip" aria-label="The last 20 parts, the newest first"></ol>
    <p class="answer" role="status"></p>
    <dialog class="large" aria-label="One part">
      <form method="dialog"><button class="close">Close <kbd>Esc</kbd></button></form>
      <button type="button" class="frame" title="Enlarge"><img alt=""></button>
      <p class="what"></p>
      <p class="hint"></p>
      <div class="names"></div>
      <form class="other" hidden><label>Another name <input maxlength="64" autocomplete="off"></label><button>Keep</button></form>
    </dialog>`
  const find = selector => root.querySelector(selector)
  const board = {
    root, head: find('.head'), sign: find('.sign'), word: find('.text'), id: find('.id'), why: find('.why'),
    figure: find('.picture'), image: find('.picture img'), none: find('.none'), caption: find('figcaption'),
    strip: find('.strip'), answer: find('.answer'), dialog: find('dialog'), tiles: new Map(), open: null, shown: '', wanted: '',
  }
  const other = find('.other')
  other.addEventListener('submit', event => {
    event.preventDefault()
    const label = other.querySelector('input').value.trim()
    if (label) name(board, label)
  })
  return board
}

// The server's answer to this tap takes the sentence's place, however late it comes.
function name(board, label) {
  board.tap = Date.now()
  text(board.answer, `${board.open.title}: ${label} is sent …`)
  board.send('named', { number: board.open.number, label, tap: board.tap })
  board.dialog.close()
}

function show(board, data) {
  if (data.problem) {
    head(board, { state: 'stop', word: 'NO ANSWER', part_id: '', number: null, sentence: data.problem })
    return
  }
  head(board, data.head)
  board.data = data
  picture(board, data.tiles.find(one => one.number === data.shown))
  strip(board, data.tiles)
  large(board)
}

function head(board, { state, word, part_id: id, number, sentence }) {
  write(board.head, 'data-state', state)
  board.head.classList.toggle('long', word.length > 6)
  text(board.sign, SIGNS[state])
  text(board.word, word)
  text(board.id, id || (number === null ? '' : `No. ${number}`))
  text(board.why, sentence)
}

function picture(board, tile) {
  const address = tile ? tile.marked || tile.whole : ''
  const key = tile ? `${tile.number} ${address}` : ''
  if (key === board.wanted) return
  board.wanted = key
  enlarges(board.figure.querySelector('.frame'), tile)
  if (!address) {
    board.image.hidden = true
    board.none.hidden = false
    text(board.none, 'No picture yet')
    return
  }
  swap(board.image, address, () => board.wanted === key, () => {
    board.image.hidden = false
    board.none.hidden = true
    board.image.alt = `Picture of ${tile.title}${tile.marked ? ' with the region marked that speaks for a defect' : ''}`
    write(board.figure, 'data-state', tile.state)
    text(board.caption, `${tile.title} · ${tile.word} · ${tile.clock}${tile.marked ? ' · orange: where the defect is seen' : ''}`)
  }, () => {
    board.image.hidden = true
    board.none.hidden = false
    text(board.none, 'The file of this picture is missing from the store, or does not read.')
  })
}

// Shows an address in an image element once it is decoded, while it is still the one that is wanted.
async function swap(image, address, isWanted, done, failed) {
  const next = new Image()
  next.src = address
  try {
    await next.decode()
  } catch {
    if (isWanted()) failed?.()
    return
  }
  if (!isWanted()) return
  image.src = address
  done?.()
}

function strip(board, tiles) {
  const numbers = new Set(tiles.map(one => one.number))
  for (const [number, item] of board.tiles)
    if (!numbers.has(number)) {
      item.remove()
      board.tiles.delete(number)
    }
  tiles.forEach((tile, place) => {
    let item = board.tiles.get(tile.number)
    if (!item) {
      item = document.createElement('li')
      item.innerHTML = '<button type="button"><img alt="" hidden><span class="none">no picture</span><span class="name"></span><span class="result"></span></button>'
      item.querySelector('button').addEventListener('click', () => open(board, tile.number))
      board.tiles.set(tile.number, item)
    }
    const [button, image, none, name, result] = ['button', 'img', '.none', '.name', '.result'].map(one => item.querySelector(one))
    write(button, 'data-state', tile.state)
    text(name, tile.title)
    text(result, `${SIGNS[tile.state]} ${tile.word}`)
    if (image.dataset.address !== tile.small) {
      image.dataset.address = tile.small
      const shows = has => { image.hidden = !has; none.hidden = has }
      if (!tile.small) shows(false)
      else swap(image, tile.small, () => image.dataset.address === tile.small, () => shows(true), () => shows(false))
    }
    if (board.strip.children[place] !== item) board.strip.insertBefore(item, board.strip.children[place] ?? null)
  })
}

function open(board, number) {
  const tile = board.data.tiles.find(one => one.number === number)
  if (!tile) return
  board.open = tile
  board.tap = null
  text(board.answer, '')
  const image = board.dialog.querySelector('img')
  image.removeAttribute('src')
  delete image.dataset.address // so that the same picture is drawn again
  board.dialog.querySelector('.other input').value = ''
  board.drawn = ''
  board.dialog.showModal()
  board.send('opened', number)
  large(board)
}

function large(board) {
  const { dialog, data } = board
  if (!dialog.open) return
  const tile = (board.open = data.tiles.find(one => one.number === board.open.number) ?? board.open)
  const address = tile.marked || tile.whole
  const image = dialog.querySelector('img')
  if (address && image.dataset.address !== address) {
    image.dataset.address = address
    swap(image, address, () => image.dataset.address === address, () => { image.alt = `Picture of ${tile.title}` })
  }
  if (!address) image.removeAttribute('src')
  image.hidden = !address
  enlarges(image.parentElement, tile)
  text(dialog.querySelector('.what'), `${tile.title} · ${tile.word} · ${tile.clock} · score ${tile.score} · ${tile.elapsed}. ${tile.sentence}`)
  const canName = board.canName && tile.decision && !tile.is_reference
  text(dialog.querySelector('.hint'), canName ? 'Name the defect with one tap; the page Parts: learn takes it from there.'
    : tile.is_reference || !tile.decision ? '' : 'Write your name in the sidebar to name a defect.')
  dialog.querySelector('.other').hidden = !canName
  const names = canName ? data.names : []
  if (board.drawn === names.join('\n')) return
  board.drawn = names.join('\n')
  dialog.querySelector('.names').replaceChildren(...names.map(label => {
    const button = document.createElement('button')
    button.textContent = label
    button.addEventListener('click', () => name(board, label))
    return button
  }))
}

// What a click opens in the viewer of dashboard.enlarge: all pixels, and the region to lay over them.
function enlarges(frame, tile) {
  frame.toggleAttribute('data-enlarge', Boolean(tile?.full))
  if (!tile?.full) return
  write(frame, 'data-enlarge', tile.full)
  write(frame, 'data-plain', tile.whole)
  write(frame, 'data-heat', tile.heat)
}

function text(element, content) {
  if (element.textContent !== content) element.textContent = content
}

function write(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}
