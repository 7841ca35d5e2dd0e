// Before the case is on the screen for the first time nothing else hears a key, while a model is being
// opened: the person is told that it does not count.

window.assayEarlyKeys ??= (() => {
  const text = 'Not counted: the case is still being opened. Keys wait until it is on the screen.'
  const isOurs = event => event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey && !event.repeat
  const isWritten = target => target instanceof Element && target.closest('input, textarea, select, [contenteditable=true]')
  window.addEventListener('keydown', event => {
    if (!document.querySelector('.assay-opening') || window.assayReviewKeys?.stop) return
    if (!isOurs(event) || isWritten(event.target)) return
    notify(text)
  }, true)
  return true
})()
