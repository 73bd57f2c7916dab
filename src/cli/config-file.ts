/**
 * Changing one key of a TOML file by its lines, so that comments and order stay. Knows the forms
 * that a settings file has: `[section]` headers and `key = value`; the caller parses the result
 * and refuses it where that does not say what was meant.
 */

/** @param value already TOML */
export function setInToml(content: string, key: string, value: string): string {
  const [section, name] = key.split('.') as [string, string]
  const eol = content.includes('\r\n') ? '\r\n' : '\n'
  const lines = content.split(/\r?\n/)
  const assignment = `${name} = ${value}`
  let header = -1
  let commented = -1
  let last = -1
  for (let at = 0; at < lines.length; at++) {
    const text = lines[at]!
    if (isHeader(text)) {
      if (header !== -1) break
      if (headerName(text) === section) header = last = at
      continue
    }
    if (header === -1) continue
    if (text.trim() !== '') last = at
    const found = keyOf(text)
    if (found === name) {
      const end = valueEnd(lines, at)
      const comment = end === at ? trailingComment(text) : ''
      lines.splice(at, end - at + 1, `${indentOf(text)}${assignment}${comment}`)
      return lines.join(eol)
    }
    // A live value of several lines must not be searched for keys.
    if (found !== undefined) {
      at = last = valueEnd(lines, at)
    } else if (commented === -1 && commentedKeyOf(text) === name) {
      commented = at
    }
  }
  if (header === -1) {
    while (lines.length > 0 && lines.at(-1)!.trim() === '') lines.pop()
    const gap = lines.length === 0 ? [] : ['']
    lines.push(...gap, `[${section}]`, assignment, '')
  } else if (commented !== -1) {
    lines[commented] = assignment
  } else {
    lines.splice(last + 1, 0, assignment)
  }
  return lines.join(eol)
}

function isHeader(line: string): boolean {
  return /^\s*\[[^\]]+\]+\s*(#.*)?$/.test(line)
}

function headerName(line: string): string {
  return unquoted(/^\s*\[([^\]]+)\]/.exec(line)?.[1]?.trim() ?? '')
}

function keyOf(line: string): string | undefined {
  const match = /^\s*([A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*=/.exec(line)
  return match === null ? undefined : unquoted(match[1]!)
}

function commentedKeyOf(line: string): string | undefined {
  return /^\s*#\s*([A-Za-z0-9_-]+)\s*=/.exec(line)?.[1]
}

function unquoted(text: string): string {
  return text.replace(/^(["'])(.*)\1$/, '$2')
}

function indentOf(line: string): string {
  return /^\s*/.exec(line)![0]
}

/** Index of the line on which the value that starts at `from` ends: arrays may span lines. */
function valueEnd(lines: readonly string[], from: number): number {
  let depth = 0
  for (let at = from; at < lines.length; at++) {
    const text = at === from ? lines[at]!.slice(lines[at]!.indexOf('=') + 1) : lines[at]!
    for (const char of withoutStrings(text)) {
      if (char === '#') break
      if (char === '[') depth++
      if (char === ']') depth--
    }
    if (depth <= 0) return at
  }
  return from
}

function withoutStrings(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, (string) => '_'.repeat(string.length))
}

function trailingComment(line: string): string {
  const at = withoutStrings(line).indexOf('#')
  if (at === -1) return ''
  const gap = /\s*$/.exec(line.slice(0, at))![0]
  return `${gap === '' ? ' ' : gap}${line.slice(at)}`
}
