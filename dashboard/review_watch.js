// What goes on beside the keys: where the cursor is, what is announced, what is logged, and whether
// the server is still there.

const ANSWER_MS = 4000 // no press takes longer on a server that is there
const HEALTH_MS = 3000
const LONG_MS = 10_000 // for what a person must not miss
const ACTIVE_MS = 60_000
const LOOK_MS = 1000
const BUSY = 'Your press is on its way: the server is busy, with opening a model perhaps. Keys wait until it is kept.'
const UNHEARD = 'Not counted: the press did not reach the server. Look, then press again.'

// A screen reader goes on from the name of the case; whoever is writing goes on writing.
function focusHeading(viewId) {
  const isNew = last.headed !== undefined && last.headed !== viewId
  last.headed = viewId
  const heading = document.querySelector(`${CASE} h1`)
  if (!isNew || !heading || isTyping({ target: document.activeElement })) return
  heading.tabIndex = -1
  heading.focus({ preventScroll: true })
}

function announceOnce([id, text]) {
  if (!id || last.announced === id) return
  last.announced = id
  let box = document.getElementById('assay-live')
  if (!box) {
    box = document.createElement('div')
    box.id = 'assay-live'
    box.setAttribute('aria-live', 'polite')
    document.body.append(box)
  }
  box.textContent = text
}

function notify(text, forMs = 2500) {
  let box = document.getElementById('assay-notice')
  if (!box) {
    box = document.createElement('div')
    box.id = 'assay-notice'
    box.setAttribute('role', 'status')
    document.body.append(box)
  }
  box.textContent = last.notice = text
  clearTimeout(last.timer)
  if (forMs) last.timer = setTimeout(() => { box.textContent = '' }, forMs)
}

// Until the server has taken the press: what keeps it, or that it never arrived. No press goes silently.
function expectAnswer() {
  clearTimeout(last.waiting)
  last.idle = 0
  const look = async () => {
    const isThere = await isServed()
    if (last.viewId === null) return
    if (!isThere) lose()
    else if (isRunning()) {
      last.idle = 0
      notify(BUSY, 0)
    } else if (++last.idle >= 3) {
      endPress()
      notify(UNHEARD, LONG_MS)
      return
    }
    last.waiting = setTimeout(look, LOOK_MS)
  }
  last.waiting = setTimeout(look, ANSWER_MS)
}

function endPress() {
  last.viewId = null
  clearTimeout(last.waiting)
  if (last.notice === BUSY) notify('')
}

// Streamlit's own sign that it works on the page, or has been asked to.
function isRunning() {
  const found = document.querySelector('[data-test-script-state]')
  return !!found && found.dataset.testScriptState !== 'notRunning'
}

async function isServed() {
  try {
    return (await fetch('_stcore/health', { cache: 'no-store', signal: AbortSignal.timeout(HEALTH_MS) })).ok
  } catch { return false }
}

const LOST = 'The server does not answer. What it kept is safe; start `assay review` again and this page goes on ' +
  'with this case. A press that is on its way is kept once or not at all, and the page will say which.'

// Says so until the server answers; the page then draws itself anew and says what became of a press.
function lose() {
  last.isLost = true
  notify(LOST, 0)
}

last.health ??= setInterval(async () => {
  if (await isServed()) {
    last.misses = 0
    // Unless the page has said already what became of a press.
    if (last.isLost && last.notice === LOST) notify('The server is back.')
    last.isLost = false
  } else if (++last.misses >= 2) lose()
}, HEALTH_MS)
last.misses ??= 0

// When a case was shown, looked at closely and decided, by the browser's own clock that never jumps.
const viewLog = (last.viewLog ??= {
  viewId: null,
  show(viewId, address) {
    if (this.viewId === viewId) return
    this.leave()
    Object.assign(this, { viewId, address, began: performance.now(), from: performance.now(), active: 0, events: [] })
    if (address) this.send([{ kind: 'shown', after_ms: 0 }], 0)
  },
  press(viewId, button) {
    if (this.viewId !== viewId) return
    const kind = /st-key-case-(negative|positive|defer|sure)-/.test(button.closest('[class*="st-key-case-"]').className)
    if (kind) this.note('decided')
  },
  note(kind) { this.events?.push({ kind, after_ms: performance.now() - this.began }) },
  leave() {
    if (!this.viewId || !this.address) return
    this.stir()
    if (!this.events.some(one => one.kind === 'decided')) this.note('left')
    this.send(this.events, Math.min(this.active, ACTIVE_MS))
    this.viewId = null
  },
  // Time counts while the window is seen and somebody moved within the last minute.
  stir() {
    const now = performance.now()
    if (!document.hidden) this.active += Math.min(now - this.from, ACTIVE_MS)
    this.from = now
  },
  send(events, active) {
    navigator.sendBeacon(this.address, new Blob([JSON.stringify({ events, active_ms: active })], { type: 'application/json' }))
  },
})
last.listens ??= (() => {
  for (const kind of ['pointermove', 'keydown', 'wheel']) window.addEventListener(kind, () => viewLog.viewId && viewLog.stir(), { passive: true, capture: true })
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) { viewLog.hidden = performance.now(); if (viewLog.viewId) { viewLog.active += performance.now() - viewLog.from } }
    viewLog.from = performance.now()
  })
  window.addEventListener('pagehide', () => viewLog.leave())
  window.addEventListener('assay-zoomed', event => {
    if (event.detail === viewLog.viewId && !viewLog.events.some(one => one.kind === 'zoomed')) viewLog.note('zoomed')
  })
  return true
})()
