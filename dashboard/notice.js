// One line at the foot of the page for what a person must know now.

const line = (window.assayNotice ??= { text: '', timer: null })

// Shown for so long, or until something else is, where that is 0.
function notify(text, forMs = 2500) {
  let box = document.getElementById('assay-notice')
  if (!box) {
    box = document.createElement('div')
    box.id = 'assay-notice'
    box.setAttribute('role', 'status')
    document.body.append(box)
  }
  box.textContent = line.text = text
  clearTimeout(line.timer)
  if (forMs) line.timer = setTimeout(() => { box.textContent = '' }, forMs)
}
