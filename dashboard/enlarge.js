// Opens whatever picture is clicked, or chosen by Enter, in a viewer over the page. While it is open
// no key reaches the page below; once it is closed the cursor is where it was.

const kept = (window.assayEnlarged ??= { views: new Map(), pictures: new Map(), isHeatOn: true, stop: null, leave: null })

export default function ({ data: [keys], parentElement }) {
  kept.stop?.() // called anew for every rerun, and only the last one is stopped at its end
  const dialog = parentElement.querySelector('dialog')
  const onClick = event => {
    const asked = event.composedPath().find(one => one instanceof Element && one.hasAttribute('data-enlarge'))
    const image = asked?.matches('img') ? asked : asked?.querySelector('img')
    if (!image) return
    event.preventDefault()
    const opens = () => { if (image.checkVisibility()) open(dialog, image, asked.dataset, keys) }
    if (image.naturalWidth) opens()
    else image.addEventListener('load', opens, { once: true }) // it is still on its way
  }
  document.addEventListener('click', onClick)
  kept.stop = () => document.removeEventListener('click', onClick)
  return () => {
    kept.stop()
    kept.leave?.()
    dialog.close()
  }
}

async function open(dialog, image, asked, keys) {
  kept.leave?.()
  const leaving = new AbortController()
  const find = selector => dialog.querySelector(selector)
  let bench = null
  const onKey = event => {
    if (!dialog.open || event.key === 'Escape' || event.key === 'Tab') return // it closes a moment before `onclose`
    event.stopImmediatePropagation()
    if (event.key !== 'Enter' && event.key !== ' ') bench?.onKey(event)
  }
  kept.leave = () => {
    kept.leave = null
    leaving.abort()
    bench?.stop()
    forget()
    find('.panes').replaceChildren()
    window.removeEventListener('keydown', onKey, true)
    delete document.documentElement.dataset.assayEnlarged
  }
  dialog.onclose = () => kept.leave?.()
  find('h2').textContent = image.alt
  find('.problem').textContent = ''
  document.documentElement.dataset.assayEnlarged = ''
  window.addEventListener('keydown', onKey, true)
  if (!dialog.open) dialog.showModal()
  try {
    const heat = asked.heat ? heatOf(asked.heat, leaving.signal) : null
    const one = paneOf(image, asked, await bytesOf(asked.plain || image.src, leaving.signal), await heat)
    kept.isHeatOn = true
    bench = workbench(find('.panes'), find('.tools'), [one], keys, {
      isHeatOn: () => kept.isHeatOn, switchHeat: () => { kept.isHeatOn = !kept.isHeatOn }, zoomed: () => {},
    })
    await bench.drawn[0].begin()
    dialog.dataset.painted = image.alt
    await bench.drawn[0].complete(leaving.signal)
  } catch (failed) {
    if (!leaving.signal.aborted) find('.problem').textContent = `The picture cannot be shown: ${failed.message}`
  }
}

function paneOf(image, asked, bytes, heat) {
  return {
    key: 'enlarged', title: '', note: '', disclaimer: '', missing: '', spacing: null, kind: 'colour', heat,
    full: asked.enlarge, size: [image.naturalHeight, image.naturalWidth], sizeIsOfFull: true,
    plate: { kind: 'colour', width: image.naturalWidth, height: image.naturalHeight, bytes },
  }
}

async function bytesOf(address, signal) {
  const reply = await fetch(address, { signal })
  if (!reply.ok) throw new Error((await reply.text()) || `the server answered ${reply.status}`)
  return reply.arrayBuffer()
}

async function heatOf(address, signal) {
  const bytes = await bytesOf(address, signal)
  const [height, width] = new Uint32Array(bytes, 0, 2)
  return { height, width, bytes: bytes.slice(8) }
}
