// What goes on beside the keys: where the cursor is, what is announced, what is logged.

const ANSWER_MS = 4000 // no press takes longer on a server that is there
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

// Until the server has taken the press: what keeps it, or that it never arrived. No press goes silently.
function expectAnswer() {
  clearTimeout(last.waiting)
  last.idle = 0
  const look = async () => {
    const connection = window.assayConnection
    await connection?.check(true)
    if (last.viewId === null) return
    if (connection?.problem) last.idle = 0
    else if (isRunning()) {
      last.idle = 0
      notify(BUSY, 0)
    } else if (++last.idle >= 3) {
      if (last.cuts === (connection?.cuts ?? 0)) {
        endPress()
        notify(UNHEARD, LONG_MS)
        return
      }
      // It may have arrived before the cut: what is drawn anew tells, and the asking may be lost too.
      last.idle = 0
      connection.redraw()
    }
    last.waiting = setTimeout(look, LOOK_MS)
  }
  last.waiting = setTimeout(look, ANSWER_MS)
}

function endPress() {
  last.viewId = null
  clearTimeout(last.waiting)
  if (line.text === BUSY) notify('')
}

// Streamlit's own sign that it works on the page, or has been asked to.
function isRunning() {
  const found = document.querySelector('[data-test-script-state]')
  return !!found && found.dataset.testScriptState !== 'notRunning'
}

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
