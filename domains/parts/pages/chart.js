// Draws a chart in place: Streamlit's own element is taken off the page for every new figure.

export default async function ({ data, parentElement }) {
  const root = parentElement.querySelector('.chart')
  root.wanted = data.figure
  await (window.assayPlotly ??= import(new URL(data.plotly, location.origin).href))
  if (root.wanted !== data.figure) return // a newer one has come meanwhile
  const { data: traces, layout } = JSON.parse(data.figure)
  const style = getComputedStyle(root)
  const [ink, line] = ['--st-text-color', '--st-border-color'].map(one => style.getPropertyValue(one).trim())
  const axis = { gridcolor: line, linecolor: line, zeroline: false, color: ink, automargin: true }
  await window.Plotly.react(root, traces, {
    ...layout,
    template: undefined,
    paper_bgcolor: 'transparent',
    plot_bgcolor: 'transparent',
    font: { color: ink, family: style.getPropertyValue('--st-font'), size: 12 },
    xaxis: { ...layout.xaxis, ...axis },
    yaxis: { ...layout.yaxis, ...axis },
  }, { displayModeBar: false, responsive: true })
}
