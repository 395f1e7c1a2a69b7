// A bar chart as SVG: each bar says what it is and how much, so it needs no legend, on light and dark pages.

export interface Bar {
  readonly label: string
  readonly value: number
  /** Ours, in a colour of its own. */
  readonly highlight: boolean
}

export interface BarGroup {
  readonly title: string
  readonly bars: readonly Bar[]
}

const WIDTH = 860
const LABEL_WIDTH = 330
const BAR_HEIGHT = 20
const ROW_HEIGHT = 28
const GROUP_GAP = 44

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2937 }
  .title { font-size: 17px; font-weight: 600 }
  .group { font-weight: 600 }
  .note { font-size: 12px; fill: #6b7280 }
  .bar { fill: #9ca3af }
  .ours { fill: #0f766e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb } .note { fill: #9ca3af } .bar { fill: #6b7280 } .ours { fill: #2dd4bf }
  }`

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** `unit` stands behind each value; the scale is linear and starts at zero, one for each group. */
export function barChart(title: string, unit: string, note: string, groups: readonly BarGroup[]): string {
  let y = 64
  const parts: string[] = []
  for (const group of groups) {
    const most = Math.max(...group.bars.map(({ value }) => value))
    parts.push(`<text class="group" x="16" y="${y}">${escape(group.title)}</text>`)
    y += 12
    for (const { label, value, highlight } of group.bars) {
      const width = Math.max(2, ((WIDTH - LABEL_WIDTH - 130) * value) / most)
      const middle = y + BAR_HEIGHT / 2 + 5
      parts.push(`<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${escape(label)}</text>`)
      parts.push(
        `<rect class="${highlight ? 'ours' : 'bar'}" x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`,
      )
      parts.push(
        `<text x="${(LABEL_WIDTH + width + 8).toFixed(1)}" y="${middle}">${value >= 100 ? value.toFixed(0) : value.toFixed(2)} ${escape(unit)}</text>`,
      )
      y += ROW_HEIGHT
    }
    y += GROUP_GAP - 12
  }
  const head = `<text class="title" x="16" y="28">${escape(title)}</text>`
  const foot = `<text class="note" x="16" y="${y}">${escape(note)}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 20}" width="${WIDTH}" role="img" aria-label="${escape(title)}"><style>${STYLE}</style>${head}${parts.join('')}${foot}</svg>\n`
}
