// Lets a press through only while the case that it belongs to is on the screen as a whole. Until the
// last word and picture of one case stand together, nothing of any case is shown, and no key works.

const SETTLE_MS = 300 // a second press of the same key comes within this time
const CASE = '.st-key-assay-case'
const last = (window.assayReviewKeys ??= { viewId: null, session: null, stop: null })

export default function ({ data: [data] }) {
  last.stop?.() // called anew for every rerun, and only the last one is stopped at its end
  const { view_id: viewId, revision, pictures, keys, picks, accepted, log } = data
  const root = document.documentElement
  // The same case drawn anew has been on the screen all along.
  let armedAt = root.dataset.assayCase === viewId && last.armed?.viewId === viewId ? last.armed.at : null
  const cuts = () => window.assayConnection?.cuts ?? 0
  let isDrawing = false
  let hasChanged = false
  let hasEnded = false
  answerPending(data)
  announceOnce(data.announced)

  const marked = () => [...document.querySelectorAll(`${CASE} [data-view-id]`)]
  const isWhole = () => {
    const parts = marked()
    const seen = parts.filter(one => one.matches('img, [data-painted]'))
    return parts.length > 0 && seen.length >= pictures && parts.every(one => one.dataset.viewId === viewId)
  }
  const isPainted = one => one.matches('img') ? one.complete && one.naturalWidth > 0 : one.dataset.painted === viewId
  const hide = () => {
    armedAt = null
    last.armed = null
    delete root.dataset.assayCase
    delete root.dataset.revision
  }
  const check = () => {
    if (!isWhole()) hide()
    else if (armedAt !== null) nameKeys()
    else if (isDrawing) hasChanged = true
    else draw()
  }
  const draw = async () => {
    isDrawing = true
    await Promise.allSettled(marked().filter(one => one.matches('img')).map(one => one.decode()))
    const seen = marked().filter(one => one.matches('img, [data-painted]'))
    if (!hasEnded && isWhole() && seen.every(isPainted)) {
      root.dataset.assayCase = viewId
      root.dataset.revision = revision
      nameKeys()
      await frame()
      await frame()
      if (!hasEnded && root.dataset.assayCase === viewId) {
        armedAt = performance.now()
        last.armed = { viewId, at: armedAt }
        focusHeading(viewId)
        viewLog.show(viewId, log)
      }
    }
    isDrawing = false
    // Parts that went and came back meanwhile would otherwise stay hidden until the next change.
    if (hasChanged && !hasEnded) {
      hasChanged = false
      check()
    }
  }
  const button = action => document.querySelector(`${CASE} [class*="st-key-case-${action}-${viewId}"] button`)
  const nameKeys = () => {
    for (const [key, action] of Object.entries(keys)) button(action)?.setAttribute('aria-keyshortcuts', key.replace('Ctrl+', 'Control+'))
    button('cancel')?.setAttribute('aria-keyshortcuts', 'Escape')
  }
  const blockingReason = () => {
    if (window.assayConnection?.problem) return `Not counted. ${window.assayConnection.problem}`
    if (last.viewId === viewId) return 'Not counted: the press before it is being kept.'
    if (armedAt === null) return 'Not counted: the case was not on the screen yet.'
    if (performance.now() - armedAt < SETTLE_MS) return 'Not counted: the case had only just come. Look, then press.'
    return ''
  }

  const onClick = event => {
    const pressed = event.target instanceof Element && event.target.closest(`${CASE} [class*="st-key-case-"] button`)
    if (!pressed) return
    const why = blockingReason()
    if (!why) {
      last.viewId = viewId
      last.session = data.session
      last.run = data.run
      last.cuts = cuts()
      viewLog.press(viewId, pressed)
      expectAnswer()
    } else {
      stop(event)
      tell(why)
    }
  }
  // The note's box would keep what is written as soon as the cursor leaves it.
  const onDown = event => {
    if (event.target instanceof Element && event.target.closest('[class*="st-key-case-cancel-"]')) event.preventDefault()
  }
  const onKey = event => {
    if ('assayEnlarged' in root.dataset || document.querySelector('[role=dialog][aria-modal=true]')) return
    const name = keyName(event)
    if (name === 'Escape' && button('cancel')) {
      stop(event)
      button('cancel').click()
      return
    }
    if (isTyping(event)) return
    const isPress = event.key === 'Enter' || event.key === ' '
    if (isPress && event.repeat && event.target.closest?.(CASE)) stop(event)
    const pick = picks && /^[1-6]$/.test(name) && document.querySelector(`[class*="st-key-pick-${name}-"] button`)
    const action = keys[name]
    if (!action && !pick) return
    stop(event)
    if (event.repeat) return
    if (!action) {
      pick.click()
      return
    }
    const found = button(action)
    if (found && !found.disabled) found.click()
    else tell(blockingReason() || 'Not counted: this does not work here now.')
  }
  window.addEventListener('click', onClick, true)
  window.addEventListener('mousedown', onDown, true)
  window.addEventListener('keydown', onKey, true)
  const watch = new MutationObserver(check)
  watch.observe(document.body, {
    subtree: true, childList: true, attributes: true, attributeFilter: ['data-view-id', 'data-painted', 'src'],
  })
  document.addEventListener('load', check, true)
  check()
  last.stop = () => {
    hasEnded = true
    watch.disconnect()
    window.removeEventListener('click', onClick, true)
    window.removeEventListener('mousedown', onDown, true)
    window.removeEventListener('keydown', onKey, true)
    document.removeEventListener('load', check, true)
  }
  return last.stop

  // What became of the press that was on its way when this was drawn.
  function answerPending() {
    const pressed = last.viewId
    if (pressed === null) return
    const isNew = last.session !== data.session
    const wasCut = isNew || last.cuts !== cuts()
    const isAnswered = accepted === pressed || data.kept.includes(pressed)
    // A run that had begun before the press is drawn after it; the one after that has met the press,
    // and so has whatever is drawn anew after a cut.
    const isOld = !isNew && data.run < last.run + (wasCut ? 1 : 2)
    if (!isAnswered && pressed === viewId && isOld) return
    endPress()
    if (accepted === pressed && !wasCut) return
    if (isAnswered) notify('Kept: your press had arrived before the connection was lost.', LONG_MS)
    else if (wasCut) notify('Not kept: the connection was lost before your press arrived. Look, then press again.', LONG_MS)
    else if (pressed !== viewId) notify('Not counted: the case had changed before the press arrived.')
    else notify(UNHEARD, LONG_MS)
  }
}

// What holds as long as the connection is lost stays as long.
function tell(why) {
  notify(why, window.assayConnection?.problem ? 0 : undefined)
}

function stop(event) {
  event.preventDefault()
  event.stopImmediatePropagation()
}

function frame() {
  return new Promise(done => requestAnimationFrame(done))
}
