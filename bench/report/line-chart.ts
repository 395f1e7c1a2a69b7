// Small line charts side by side as SVG: each says in its title what it shows and at each end of its line how much.

export interface LinePanel {
  readonly title: string
  /** In the order of x; `label` stands below the point. */
  readonly points: readonly { readonly x: number; readonly label: string; readonly value: number }[]
  readonly unit: string
  /** Drawn as a band around the first value when given: 0.15 for 15 % to either side. */
  readonly tolerance?: number
}

const PANEL_WIDTH = 400
const PANEL_HEIGHT = 230
const PLOT = { left: 24, right: 90, top: 44, bottom: 40 }

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2937 }
  .title { font-size: 17px; font-weight: 600 }
  .panel { font-weight: 600 }
  .note { font-size: 12px; fill: #6b7280 }
  .line { fill: none; stroke: #0f766e; stroke-width: 2 }
  .dot { fill: #0f766e }
  .axis { stroke: #9ca3af }
  .band { fill: #0f766e; opacity: 0.12 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb } .note { fill: #9ca3af } .line { stroke: #2dd4bf } .dot, .band { fill: #2dd4bf }
  }`

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

const number = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1))

function panelSvg({ title, points, unit, tolerance }: LinePanel, left: number, top: number): string {
  const width = PANEL_WIDTH - PLOT.left - PLOT.right
  const height = PANEL_HEIGHT - PLOT.top - PLOT.bottom
  const first = points[0]?.value ?? 0
  const most = Math.max(...points.map(({ value }) => value), first * (1 + (tolerance ?? 0))) * 1.15
  const [start = 0, end = 1] = [points[0]?.x, points.at(-1)?.x]
  const x = (value: number) => PLOT.left + (width * (value - start)) / Math.max(end - start, 1e-9)
  // From zero: a line that looks flat is flat.
  const y = (value: number) => PLOT.top + height - (height * value) / Math.max(most, 1e-9)
  const parts = [`<text class="panel" x="${PLOT.left}" y="20">${escape(title)}</text>`]
  if (tolerance !== undefined) {
    const [upper, lower] = [y(first * (1 + tolerance)), y(first * (1 - tolerance))]
    parts.push(
      `<rect class="band" x="${PLOT.left}" y="${upper.toFixed(1)}" width="${width}" height="${(lower - upper).toFixed(1)}"/>`,
      `<text class="note" x="${PLOT.left + width + 6}" y="${(upper - 4).toFixed(1)}">+${tolerance * 100} %</text>`,
    )
  }
  parts.push(
    `<line class="axis" x1="${PLOT.left}" x2="${PLOT.left + width}" y1="${y(0)}" y2="${y(0)}"/>`,
    `<polyline class="line" points="${points.map((point) => `${x(point.x).toFixed(1)},${y(point.value).toFixed(1)}`).join(' ')}"/>`,
  )
  const dots = points.length <= 8
  points.forEach((point, index) => {
    if (!dots && index > 0 && index < points.length - 1) return
    const [px, py] = [x(point.x), y(point.value)]
    parts.push(
      `<circle class="dot" cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3"/>`,
      `<text class="note" x="${px.toFixed(1)}" y="${PANEL_HEIGHT - 22}" text-anchor="middle">${escape(point.label)}</text>`,
    )
    if (index === points.length - 1)
      parts.push(
        `<text x="${(px + 6).toFixed(1)}" y="${(py + 14).toFixed(1)}">${number(point.value)} ${escape(unit)}</text>`,
      )
    if (index === 0) parts.push(`<text x="${px.toFixed(1)}" y="${(py - 8).toFixed(1)}">${number(point.value)}</text>`)
  })
  return `<g transform="translate(${left} ${top})">${parts.join('')}</g>`
}

export function lineChart(title: string, note: string, panels: readonly LinePanel[]): string {
  const columns = Math.min(2, panels.length)
  const width = columns * PANEL_WIDTH + 16
  const height = 48 + Math.ceil(panels.length / columns) * PANEL_HEIGHT + 28
  const body = panels.map((panel, index) =>
    panelSvg(panel, 8 + (index % columns) * PANEL_WIDTH, 48 + Math.floor(index / columns) * PANEL_HEIGHT),
  )
  const head = `<text class="title" x="32" y="28">${escape(title)}</text>`
  const foot = `<text class="note" x="32" y="${height - 12}">${escape(note)}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escape(title)}"><style>${STYLE}</style>${head}${body.join('')}${foot}</svg>\n`
}
