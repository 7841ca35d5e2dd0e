// Covers the page once nobody has been there for a while, and tells the server, which locks it.

const EVENTS = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchstart']
const last = (window.assayIdle ??= { at: Date.now(), stop: null })

export default function ({ data, setTriggerValue }) {
  last.stop?.() // called anew for every rerun, and only the last one is stopped at its end
  let cover = null
  const isIdle = () => Date.now() - last.at >= 1000 * data.seconds
  const lock = () => {
    if (cover) return
    cover = document.createElement('div')
    cover.setAttribute('role', 'alert')
    cover.dataset.assayLocked = ''
    cover.textContent = data.text
    cover.style.cssText =
      'position:fixed;inset:0;z-index:2147483647;display:grid;place-content:center;' +
      'font:1.4rem system-ui;background:Canvas;color:CanvasText'
    document.body.append(cover)
    setTriggerValue('idle', Date.now())
  }
  // The clock is asked, not counted: a machine that slept wakes up locked.
  const active = event => {
    if (isIdle()) {
      event.preventDefault()
      event.stopImmediatePropagation()
      lock()
    } else last.at = Date.now()
  }
  const timer = setInterval(() => isIdle() && lock(), 500)
  for (const name of EVENTS) window.addEventListener(name, active, { capture: true, passive: false })
  last.stop = () => {
    clearInterval(timer)
    for (const name of EVENTS) window.removeEventListener(name, active, { capture: true })
    cover?.remove()
    last.stop = null
  }
  return () => {
    last.stop?.()
    last.at = Date.now()
  }
}
