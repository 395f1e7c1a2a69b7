// Values and times for people. Everything is shown as text, never as HTML: it comes from outside.

const byId = (id) => document.getElementById(id)

function element(tag, className, ...children) {
  const node = document.createElement(tag)
  if (className) node.className = className
  node.append(...children)
  return node
}

const TIME_NAMES = new Set(['iat', 'exp', 'nbf', 'auth_time', 'expiresAt'])

const TOKENS = /("(?:[^"\\]|\\.)*")(:?)|(true|false|null|-?\d[\d.eE+-]*)|[^"\w-]+/g

/** The nodes of a value as JSON, coloured, with times spelled out behind their numbers. */
function jsonView(value) {
  let name = ''
  return [...toJson(value).matchAll(TOKENS)].flatMap(([text, string, colon, other]) => {
    if (colon) name = JSON.parse(string)
    if (colon) return [element('span', 'json-name', string), colon]
    if (string) return element('span', 'json-string', string)
    if (!other) return text
    const time = TIME_NAMES.has(name) ? element('span', 'json-time', ` (${toLocalTime(Number(other))})`) : ''
    return [element('span', 'json-other', other), time]
  })
}

/** Indented, with lists of plain values, and plain objects in lists, on one line each. */
function toJson(value) {
  const toOneLine = (block) => block.replace(/\n\s*/g, ' ')
  const lists = JSON.stringify(value, null, 2).replace(/\[\n[^[\]{}]*\]/g, toOneLine)
  return lists.replace(/(?<=^ +)\{\n[^[\]{}]*\}/gm, toOneLine)
}

function toLocalTime(sec) {
  return new Date(sec * 1000).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
}

/** Seconds as their two largest units: `14 min 32 s`. */
function toTimeLeft(sec) {
  const counts = {
    d: Math.floor(sec / 86_400),
    h: Math.floor(sec / 3600) % 24,
    min: Math.floor(sec / 60) % 60,
    s: sec % 60,
  }
  const units = Object.keys(counts)
  const first = units.findIndex((unit) => counts[unit] > 0)
  const shown = units.slice(first, first + 2).filter((unit) => counts[unit] > 0)
  return shown.map((unit) => `${counts[unit]} ${unit}`).join(' ')
}
