/**
 * Which symlinks of a fetched folder may be recreated: those that stay inside it, whatever other
 * symlinks of it they pass through. Pure: decided on names before any link exists.
 */

export interface SymlinkEntry {
  /** Names from the output folder to the link, the link's own name last. */
  path: readonly string[]
  target: string
}

// The kernel gives up after 40; a path that nothing resolves leads nowhere outside either.
const HOPS_MAX = 40

/**
 * The links that leave the folder. A link's target is followed component by component from the
 * link's own folder; where a component is itself a link of the set, its target is followed in its
 * place, so that `a -> x/y`, `b -> a/../../..` can't add up to an escape.
 */
export function escapingSymlinks(
  links: readonly SymlinkEntry[],
  platform: NodeJS.Platform = process.platform,
): SymlinkEntry[] {
  const targets = new Map(links.map((link) => [link.path.join('/'), link.target]))
  return links.filter((link) => escapes(link, targets, platform))
}

function escapes(
  link: SymlinkEntry,
  targets: ReadonlyMap<string, string>,
  platform: NodeJS.Platform,
): boolean {
  const at = link.path.slice(0, -1)
  const todo = componentsOf(link.target, platform)
  if (todo === undefined) return true
  let hops = 0
  while (todo.length > 0) {
    const name = todo.shift()!
    if (name === '..') {
      if (at.length === 0) return true
      at.pop()
      continue
    }
    const target = targets.get([...at, name].join('/'))
    if (target === undefined) {
      at.push(name)
      continue
    }
    if (++hops > HOPS_MAX) return false
    const further = componentsOf(target, platform)
    // Through an absolute link everything is outside.
    if (further === undefined) return true
    todo.unshift(...further)
  }
  return false
}

/** Names of a relative target; undefined when it is absolute or no path at all. */
function componentsOf(target: string, platform: NodeJS.Platform): string[] | undefined {
  if (target === '' || target.includes('\0')) return undefined
  const path = platform === 'win32' ? target.replaceAll('\\', '/') : target
  if (path.startsWith('/') || (platform === 'win32' && /^[A-Za-z]:/.test(path))) return undefined
  return path.split('/').filter((name) => name !== '' && name !== '.')
}
