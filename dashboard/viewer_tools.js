// The tools of a viewer, by button and by key, and the pictures side by side that they act on.

const MOVES = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' }
const COMMANDS = {
  heat: null,
  invert: null,
  zoom_in: one => one.zoom(1.25),
  zoom_out: one => one.zoom(0.8),
  actual: one => one.actual(),
  fit: one => one.reset(),
  contrast_up: one => one.window(0, 1 / 1.15),
  contrast_down: one => one.window(0, 1.15),
  brighter: one => one.window(-0.03, 1),
  darker: one => one.window(0.03, 1),
  auto_window: one => one.spread(0.005, 0.995),
  dark_window: one => one.spread(0.005, 0.6),
  bright_window: one => one.spread(0.4, 0.998),
  rotate: one => one.rotate(),
  flip: one => one.flip(),
  measure: one => one.measure(),
  left: one => one.move(40, 0),
  right: one => one.move(-40, 0),
  up: one => one.move(0, 40),
  down: one => one.move(0, -40),
}
const TOOLS = [
  ['zoom_out', '−', 'Smaller'], ['zoom_in', '+', 'Larger'], ['fit', 'Fit', 'All of it, as it came'],
  ['actual', '1:1', 'Every pixel of the picture as one of the screen'],
  ['darker', '◑−', 'Darker'], ['brighter', '◑+', 'Brighter'],
  ['contrast_down', '◐−', 'Less contrast'], ['contrast_up', '◐+', 'More contrast'],
  ['auto_window', 'Auto', 'Window of what is there'],
  ['dark_window', 'Dark parts', 'Window of the dark parts, in a radiograph the lungs'],
  ['bright_window', 'Bright parts', 'Window of the bright parts, in a radiograph the bones'],
  ['invert', 'Invert', 'Black for white'], ['rotate', '↻', 'A quarter turn'], ['flip', '⇋', 'Mirror left and right'],
  ['measure', 'Measure', 'Draw a line and read its length'], ['heat', 'Heat map', 'Where the verdict was decided'],
]

// Draws the buttons anew and gives what brings their state up to date.
function tools(bar, keys, run, { hasHeat, isHeatOn, active }) {
  const keyOf = Object.fromEntries(Object.entries(keys).map(([key, command]) => [command, key]))
  bar.replaceChildren()
  const buttons = TOOLS.filter(([command]) => command !== 'heat' || hasHeat).map(([command, label, help]) => {
    const button = element(bar, 'button', '')
    const key = keyOf[command]
    button.type = 'button'
    button.dataset.command = command
    button.textContent = label
    button.title = key ? `${help} (${key})` : help
    button.setAttribute('aria-label', help)
    if (key) button.setAttribute('aria-keyshortcuts', key)
    // A click with the mouse leaves the cursor where it was, so that the keys go on working.
    button.addEventListener('pointerdown', event => event.preventDefault())
    button.addEventListener('click', () => run(command))
    return [command, button]
  })
  return () => {
    const view = active()?.view
    const on = { heat: isHeatOn(), invert: view?.inverted, flip: view?.mirrored, measure: view?.measures }
    for (const [command, button] of buttons)
      if (command in on) button.setAttribute('aria-pressed', Boolean(on[command]))
  }
}

// Draws pictures and their tools, which act on the picture last pointed at.
function workbench(root, bar, panes, keys, { isHeatOn, switchHeat, zoomed }) {
  root.replaceChildren()
  const drawn = panes.map(one => pane(root, one, isHeatOn))
  let active = drawn[0]
  const choose = one => {
    active = one
    drawn.forEach(other => other.box.classList.toggle('active', drawn.length > 1 && other === one))
    showTools()
  }
  drawn.forEach(one => one.box.addEventListener('pointerenter', () => choose(one)))
  const run = command => {
    if (!active || !(command in COMMANDS)) return
    if (command === 'heat') {
      switchHeat()
      drawn.forEach(one => one.paint())
    } else if (command === 'invert') {
      const inverted = !active.view.inverted
      drawn.forEach(one => { one.view.inverted = inverted; one.develop() })
    } else COMMANDS[command](active)
    if (command.startsWith('zoom') || command === 'actual') zoomed()
    showTools()
  }
  const hasHeat = panes.some(one => one.heat)
  const showTools = tools(bar, keys, run, { hasHeat, isHeatOn, active: () => active })
  if (active) choose(active)
  const onKey = event => {
    if (event.repeat && !event.key.startsWith('Arrow') && !'+-=[],.'.includes(event.key)) return
    if (event.isComposing || isTyping(event)) return
    const command = keys[keyName(event)] ?? (event.shiftKey ? MOVES[event.key] : undefined)
    if (!command || !active) return
    event.preventDefault()
    run(command)
  }
  const watch = new ResizeObserver(() => drawn.forEach(one => one.paint()))
  watch.observe(root)
  root.addEventListener('zoomed', zoomed)
  const stop = () => {
    root.removeEventListener('zoomed', zoomed)
    watch.disconnect()
  }
  return { drawn, onKey, stop }
}

// Frees the pictures of what was shown before.
function forget() {
  kept.views.clear()
  kept.pictures.forEach(one => one.close())
  kept.pictures.clear()
}

function element(parent, kind, name) {
  const made = document.createElement(kind)
  made.className = name
  parent.append(made)
  return made
}
