// Says on every page whether its server answers and is connected. Streamlit restores a connection by
// itself; what was pressed meanwhile never arrives.

const HEALTH_MS = 3000
const LOST = 'The server does not answer: it was stopped, or the connection to it is cut. What it kept is safe. Once it ' +
  'answers, this page goes on by itself where it was; if it was stopped, start `assay review` again.'
const CUT = 'The connection to the server was cut and is being restored. Until then nothing that you press counts.'
const BACK = 'Connected again.'

const connection = (window.assayConnection ??= { problem: '', misses: 0, cuts: 0, check, redraw: null, timer: null, watch: null })

export default function ({ setTriggerValue }) {
  connection.redraw = () => setTriggerValue('back', Date.now())
  connection.timer ??= setInterval(check, HEALTH_MS)
  connection.watch ??= watchStreamlit()
}

function watchStreamlit() {
  const app = document.querySelector('[data-testid=stApp]')
  if (!app) return null
  const watch = new MutationObserver(() => { if (isConnected() === (connection.problem !== '')) check() })
  watch.observe(app, { attributes: true, attributeFilter: ['data-test-connection-state'] })
  return watch
}

function isConnected() {
  const state = document.querySelector('[data-testid=stApp]')?.dataset.testConnectionState
  return state === undefined || state === 'CONNECTED'
}

// A single question without an answer counts where something else says that the server is gone.
async function check(isUnanswered = false) {
  if (!isConnected() && !connection.problem) report(CUT)
  const isThere = await answers()
  connection.misses = isThere ? 0 : connection.misses + 1
  const isLost = connection.misses >= 2 || (!isThere && (isUnanswered === true || !isConnected()))
  if (isLost) report(LOST)
  else if (isThere) report(isConnected() ? '' : CUT)
}

async function answers() {
  try {
    return (await fetch('_stcore/health', { cache: 'no-store', signal: AbortSignal.timeout(HEALTH_MS) })).ok
  } catch { return false }
}

function report(problem) {
  const before = connection.problem
  if (problem === before) return
  connection.problem = problem
  document.documentElement.toggleAttribute('data-assay-lost', problem !== '')
  if (!before) connection.cuts++
  if (problem) {
    notify(problem, 0)
    return
  }
  // Unless the page has written already what became of a press.
  if (line.text.endsWith(before)) notify(BACK)
  // Streamlit draws nothing anew where the session outlived the cut; the page has to say what became
  // of a press that was on its way.
  connection.redraw()
}
