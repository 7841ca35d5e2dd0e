// What a key press is called: `F`, `7`, `+`, `ArrowRight`, `Alt+P`; empty where it is none of ours.

const SIGNS = { '=': '+', _: '-' } // the same key without and with shift on most keyboards

function keyName(event) {
  if (event.metaKey || event.isComposing || event.key === 'Dead' || event.key === 'Process') return ''
  const isLevel3 = event.getModifierState?.('AltGraph')
  const [ctrl, alt] = isLevel3 ? [false, false] : [event.ctrlKey, event.altKey]
  const prefix = (ctrl ? 'Ctrl+' : '') + (alt ? 'Alt+' : '')
  // A digit is the key with that digit whatever it types (AZERTY types & there); a letter is what is
  // typed, and where that is none of A to Z (Arabic, Greek) the letter that the key has besides.
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)
  if (digit) return event.shiftKey ? '' : prefix + digit[1]
  let key = event.key
  if (key.length === 1 && key.codePointAt(0) > 127) key = /^Key([A-Z])$/.exec(event.code)?.[1] ?? key
  if (/^[a-z]$/i.test(key)) return event.shiftKey ? '' : prefix + key.toUpperCase()
  if (key.length === 1) return prefix + (SIGNS[key] ?? key)
  return event.shiftKey ? '' : prefix + key
}

// Whether a key press belongs to what is being written. A box with a tick, and a list that is closed,
// are not written into: after a click on either the keys go on working.
function isTyping(event) {
  const target = event.composedPath?.()[0] ?? event.target
  if (!(target instanceof Element)) return false
  const field = target.closest('input, textarea, select, [contenteditable=""], [contenteditable=true]')
  if (!field) return false
  if (field.matches('[role=combobox]')) return field.getAttribute('aria-expanded') === 'true'
  return !field.matches('input:is([type=checkbox], [type=radio], [type=button], [type=submit], [type=file])')
}
