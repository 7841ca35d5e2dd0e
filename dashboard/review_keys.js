// Lets a press through only while the case that it belongs to is on the screen as a whole. Until the
// last word and picture of one case stand together, nothing of any case is shown, and no key works.

const SETTLE_MS = 300 // a second press of the same key comes within this time
const CASE = '.st-key-assay-case'
const last = (window.assayReviewKeys ??= { viewId: null, stop: null })

export default function ({ data }) {
  last.stop?.() // called anew for every rerun, and only the last one is stopped at its end
  const { view_id: viewId, pictures, keys, accepted } = data
  const root = document.documentElement
  // The same case drawn anew has been on the screen all along.
  let armedAt = root.dataset.assayCase === viewId && last.armed?.viewId === viewId ? last.armed.at : null
  let isDrawing = false
  let hasChanged = false
  let hasEnded = false

  if (last.viewId !== null && last.viewId !== viewId && accepted !== last.viewId)
    notify('Not counted: the case had changed before the press arrived.')
  last.viewId = null

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
      nameKeys()
      await frame()
      await frame()
      if (!hasEnded && root.dataset.assayCase === viewId) {
        armedAt = performance.now()
        last.armed = { viewId, at: armedAt }
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
    for (const [key, action] of Object.entries(keys)) button(action)?.setAttribute('aria-keyshortcuts', key)
  }
  const blockingReason = () => {
    if (last.viewId === viewId) return 'Not counted: the press before it is being kept.'
    if (armedAt === null) return 'Not counted: the case was not on the screen yet.'
    if (performance.now() - armedAt < SETTLE_MS) return 'Not counted: the case had only just come. Look, then press.'
    return ''
  }

  const onClick = event => {
    const pressed = event.target instanceof Element && event.target.closest(`${CASE} [class*="st-key-case-"] button`)
    if (!pressed) return
    const why = blockingReason()
    if (!why) last.viewId = viewId
    else {
      stop(event)
      notify(why)
    }
  }
  const onKey = event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return
    const isPress = event.key === 'Enter' || event.key === ' '
    if (isPress && event.repeat && event.target.closest?.(CASE)) stop(event)
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key]
    if (!action || (event.shiftKey && event.key.length > 1)) return
    stop(event)
    if (event.repeat) return
    const found = button(action)
    if (found && !found.disabled) found.click()
    else notify(blockingReason() || 'Not counted: this does not work here now.')
  }
  window.addEventListener('click', onClick, true)
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
    window.removeEventListener('keydown', onKey, true)
    document.removeEventListener('load', check, true)
  }
  return last.stop
}

function stop(event) {
  event.preventDefault()
  event.stopImmediatePropagation()
}

function frame() {
  return new Promise(done => requestAnimationFrame(done))
}

function isTyping(target) {
  return target instanceof Element && target.closest('input, textarea, [contenteditable=true]')
}

function notify(text) {
  let box = document.getElementById('assay-notice')
  if (!box) {
    box = document.createElement('div')
    box.id = 'assay-notice'
    box.setAttribute('role', 'status')
    document.body.append(box)
  }
  box.textContent = text
  clearTimeout(last.timer)
  last.timer = setTimeout(() => { box.textContent = '' }, 2500)
}
