/** Numbers as people read them. */

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `512 B`, `1.5 MiB`: three digits or so. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`
  let value = bytes
  let unit = -1
  // 1023.96 would print as "1024.0".
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${value.toFixed(value >= 99.95 ? 0 : 1)} ${UNITS[unit]}`
}

/** `4s`, `3m 05s`, `2h 10m`, `3d 4h`. */
export function humanTime(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours}h ${two(minutes % 60)}m`
  return `${Math.floor(hours / 24)}d ${hours % 24}h`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** `1 file`, `2 files`. */
export function count(value: number, noun: string): string {
  return `${value.toLocaleString('en-US')} ${noun}${value === 1 ? '' : 's'}`
}

/**
 * Text from elsewhere (file names, peers' words) made safe to show: control characters would
 * move the cursor, forge lines or recolour the terminal.
 */
export function shown(text: string): string {
  let result = ''
  for (const char of text) result += isUnsafe(char.codePointAt(0)!) ? escaped(char) : char
  return result
}

/** C0 and C1 controls, line separators, and what turns the reading direction. */
function isUnsafe(code: number): boolean {
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true
  return (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
}

function escaped(char: string): string {
  if (char === '\n') return '\\n'
  if (char === '\t') return '\\t'
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Rows of cells as columns; the last column is not padded. `right` columns align right. */
export function columns(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length)
    })
  }
  return rows.map((row) =>
    row
      .map((cell, index) => {
        if (right.includes(index)) return cell.padStart(widths[index]!)
        return index === row.length - 1 ? cell : cell.padEnd(widths[index]!)
      })
      .join('  ')
      .trimEnd(),
  )
}
