// Sends files in pieces by the tus protocol 1.0.0 (core and creation). What was chosen is kept in
// the browser's database until it has arrived, so that a reload or a dead network loses nothing.

const PIECE = 4 * 1024 * 1024
const HASHED = 96 * 1024 * 1024 // larger files are not read into memory for their digest
const AT_ONCE = 2
const PAUSES = [500, 1000, 2000, 5000, 10000, 30000]
const HEADERS = { 'Tus-Resumable': '1.0.0' }
const batches = (window.assayUploads ??= new Map())

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.uploader')
  let batch = batches.get(data.batch)
  if (!batch) batches.set(data.batch, (batch = new Uploads(data.batch)))
  batch.address = data.address
  if (root.dataset.batch !== data.batch) build(root, batch, data)
  batch.report = counts => setTriggerValue('arrived', counts)
  batch.draw = () => draw(root, batch, data.words)
  batch.draw()
  batch.restore()
}

class Uploads {
  constructor(name) {
    this.name = name
    this.files = new Map()
    this.states = { keeping: 0, waiting: 0, sending: 0, done: 0, failed: 0 }
    this.queue = []
    this.next = 0
    this.refused = []
    this.size = this.sent = 0
    this.running = 0
    this.reported = ''
    addEventListener('online', () => this.work())
    addEventListener('offline', () => this.draw())
  }

  counts() {
    return { done: this.states.done, failed: this.states.failed, total: this.files.size }
  }

  // What a hundred thousand files come to is counted as they change: every piece that arrives draws.
  put(entry, state) {
    const one = { ...entry, sent: 0, state }
    this.files.set(one.key, one)
    this.size += one.file.size
    this.states[state]++
    if (state === 'waiting') this.queue.push(one)
    return one
  }

  move(one, state) {
    this.states[one.state]--
    this.states[state]++
    one.state = state
    if (state === 'waiting') this.queue.push(one)
    if (state === 'failed') this.refused.push(one)
  }

  reach(one, offset) {
    this.sent += offset - one.sent
    one.sent = offset
  }

  async add(files) {
    const chosen = []
    for (const { file, path } of files) {
      const key = [this.name, path, file.size, file.lastModified].join('|')
      if (this.files.has(key)) continue
      chosen.push(this.put({ key, file, path }, 'keeping'))
    }
    this.draw()
    for (const one of chosen) {
      await keep({ key: one.key, batch: this.name, file: one.file, path: one.path })
      this.move(one, 'waiting')
      if (this.running < AT_ONCE) this.work()
    }
    this.draw()
  }

  async restore() {
    if (this.isRestored) return
    this.isRestored = true
    for (const { key, file, path } of await kept(this.name))
      if (!this.files.has(key)) this.put({ key, file, path }, 'waiting')
    this.draw()
    this.work()
  }

  work() {
    while (this.running < AT_ONCE && this.next < this.queue.length) {
      const one = this.queue[this.next++]
      this.move(one, 'sending')
      this.running++
      this.send(one).finally(() => {
        this.running--
        this.tell()
        this.work()
      })
    }
    this.draw()
  }

  async send(one) {
    for (let tries = 0; ; tries++) {
      try {
        await this.pieces(one)
        this.move(one, 'done')
        await forget(one.key)
        return
      } catch (error) {
        if (error instanceof Refused) {
          one.why = error.message
          this.move(one, 'failed')
          await forget(one.key)
          return
        }
        await pause(PAUSES[Math.min(tries, PAUSES.length - 1)])
      }
    }
  }

  async pieces(one) {
    const { file } = one
    one.digest ??= await digest(file)
    const answer = await ask(this.address, 'POST', {
      'Upload-Length': file.size,
      'Upload-Metadata': metadata({ filename: one.path, modified: String(file.lastModified), ...one.digest }),
    })
    // Another address of the same server may stand before it, such as a proxy's.
    const place = this.address + answer.headers.get('Location').slice(answer.headers.get('Location').lastIndexOf('/'))
    let offset = Number(answer.headers.get('Upload-Offset'))
    this.reach(one, offset)
    while (offset < file.size) {
      const piece = file.slice(offset, offset + PIECE)
      const headers = { 'Upload-Offset': offset, 'Content-Type': 'application/offset+octet-stream' }
      offset = Number((await ask(place, 'PATCH', headers, piece)).headers.get('Upload-Offset'))
      this.reach(one, offset)
      this.draw()
    }
  }

  tell() {
    const counts = this.counts()
    const text = JSON.stringify(counts)
    const isOver = counts.done + counts.failed === counts.total
    // A run of the page for every file would keep it from answering.
    if (text === this.reported || (!isOver && counts.done % 10)) return
    this.reported = text
    this.report(counts)
  }
}

class Refused extends Error {}

async function ask(address, method, headers, body) {
  const answer = await fetch(address, { method, body, headers: { ...HEADERS, ...headers } })
  if (answer.ok) return answer
  // 409 and 423: the request before this one still has the file. 5xx: later it may go.
  if (answer.status === 409 || answer.status === 423 || answer.status >= 500 && answer.status !== 507)
    throw new Error(String(answer.status))
  const { error } = await answer.json().catch(() => ({ error: answer.statusText }))
  throw new Refused(error)
}

// On an address without TLS a browser has no digests: the server then computes it alone.
async function digest(file) {
  if (!globalThis.crypto?.subtle || file.size > HASHED) return {}
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()))
  return { sha256: [...bytes].map(one => one.toString(16).padStart(2, '0')).join('') }
}

function metadata(values) {
  const encode = text => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
  return Object.entries(values).map(([key, value]) => `${key} ${encode(value)}`).join(',')
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

// ---- what waits, in the browser's database -----------------------------------------------------

const opened = () => (window.assayUploadsStore ??= new Promise(resolve => {
  const asked = indexedDB.open('assay-uploads', 1)
  asked.onupgradeneeded = () => asked.result.createObjectStore('files', { keyPath: 'key' })
  asked.onsuccess = () => resolve(asked.result)
  asked.onerror = () => resolve(null) // a private window: nothing survives a reload there
}))

// Null where the browser keeps nothing: cookies are blocked, the disk is full.
async function stored(mode, act) {
  try {
    const database = await opened()
    if (!database) return null
    return await new Promise(resolve => {
      const transaction = database.transaction('files', mode)
      const request = act(transaction.objectStore('files'))
      // Not when the request succeeds: only then is it there after the page is closed.
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = () => resolve(null)
    })
  } catch {
    return null
  }
}

const keep = entry => stored('readwrite', files => files.put(entry))
const forget = key => stored('readwrite', files => files.delete(key))
const kept = async batch => ((await stored('readonly', files => files.getAll())) ?? []).filter(one => one.batch === batch)

// ---- the screen --------------------------------------------------------------------------------

function build(root, batch, { accept, words, direction, batch: name }) {
  root.dataset.batch = name
  root.dir = direction
  const ways = make('div', { className: 'ways' })
  const input = (label, extra, className = '') => {
    const field = make('input', { type: 'file', multiple: true, hidden: true, ariaLabel: label, ...extra })
    const button = make('button', { type: 'button', textContent: label, className })
    button.addEventListener('click', () => field.click())
    field.addEventListener('change', () => {
      batch.add([...field.files].map(file => ({ file, path: file.webkitRelativePath || file.name })))
      field.value = ''
    })
    ways.append(button, field)
    return field
  }
  input(words.choose, { accept }, 'main')
  if (matchMedia('(pointer: coarse)').matches) input(words.camera, { accept: 'image/*' }).setAttribute('capture', 'environment')
  else input(words.folder, { webkitdirectory: true })
  root.replaceChildren(
    ways, make('p', { className: 'hint', textContent: words.drop }),
    make('p', { className: 'count', role: 'status' }), make('progress', { hidden: true }), make('ul', {}),
  )
  root.addEventListener('dragover', event => { event.preventDefault(); root.classList.add('over') })
  root.addEventListener('dragleave', () => root.classList.remove('over'))
  root.addEventListener('drop', async event => {
    event.preventDefault()
    root.classList.remove('over')
    const entries = [...event.dataTransfer.items].map(item => item.webkitGetAsEntry()).filter(Boolean)
    batch.add((await Promise.all(entries.map(entry => walk(entry)))).flat())
  })
}

function draw(root, batch, words) {
  const { done, failed, total } = batch.counts()
  // They wait here once they are kept: whoever reads so may close the page.
  const waits = done < total && !batch.states.keeping
  const text = !navigator.onLine && waits ? words.offline
    : total ? words.progress.replace('{done}', done).replace('{total}', total) : ''
  const count = root.querySelector('.count')
  if (count.textContent !== text) count.textContent = text
  const bar = root.querySelector('progress')
  bar.hidden = !total || done + failed === total
  bar.ariaLabel = text
  bar.max = batch.size || 1
  bar.value = batch.sent
  const list = root.querySelector('ul')
  for (const one of batch.refused.slice(list.childElementCount))
    list.append(make('li', { textContent: words.failed.replace('{name}', () => one.path).replace('{why}', () => one.why) }))
}

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject))
    return [{ file, path: entry.fullPath.replace(/^\//, '') }]
  }
  const reader = entry.createReader()
  const found = []
  for (;;) { // a browser gives a hundred entries at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (!some.length) return found
    for (const one of some) found.push(...await walk(one))
  }
}

function make(name, values) {
  const element = document.createElement(name)
  const { role, ariaLabel, ...rest } = values
  Object.assign(element, rest)
  if (role) element.setAttribute('role', role)
  if (ariaLabel) element.setAttribute('aria-label', ariaLabel)
  return element
}
