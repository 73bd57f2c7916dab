/** What the namespace means, as plainly as it can be said: a tree of maps. */

export type ModelNode =
  | { kind: 'directory'; children: Map<string, ModelNode> }
  | { kind: 'file'; content: string }
  | { kind: 'symlink'; target: string }

type ModelDirectory = Extract<ModelNode, { kind: 'directory' }>

class Refusal {
  readonly code: string

  constructor(code: string) {
    this.code = code
  }
}

function refuse(code: string): never {
  throw new Refusal(code)
}

export class ModelTree {
  root: ModelDirectory = { kind: 'directory', children: new Map() }

  /** How an operation ends; one that is refused changes nothing. */
  try(work: () => void): string {
    const before = structuredClone(this.root)
    try {
      work()
      return 'OK'
    } catch (error) {
      this.root = before
      if (error instanceof Refusal) return error.code
      throw error
    }
  }

  make(names: readonly string[], parents: boolean): void {
    if (names.length === 0 && !parents) refuse('ALREADY_EXISTS')
    let at = parents ? this.root : this.#directory(names.slice(0, -1))
    for (const name of parents ? names : names.slice(-1)) {
      let next = at.children.get(name)
      if (next !== undefined && !parents) refuse('ALREADY_EXISTS')
      if (next === undefined) {
        next = { kind: 'directory', children: new Map() }
        at.children.set(name, next)
      }
      if (next.kind !== 'directory') refuse('FAILED_PRECONDITION')
      at = next
    }
  }

  put(names: readonly string[], node: ModelNode, parents: boolean): void {
    const name = names.at(-1)
    if (name === undefined && node.kind === 'directory') return
    if (parents) this.make(names.slice(0, -1), true)
    if (name === undefined) refuse('INVALID_ARGUMENT')
    const { children } = this.#directory(names.slice(0, -1))
    const there = children.get(name)
    if (there === undefined) children.set(name, node)
    else if ((node.kind === 'directory') !== (there.kind === 'directory')) {
      refuse('FAILED_PRECONDITION')
    } else if (node.kind !== 'directory') children.set(name, node)
  }

  rename(from: readonly string[], to: readonly string[], into: boolean): void {
    const name = from.at(-1)
    if (name === undefined) refuse('INVALID_ARGUMENT')
    const source = this.#directory(from.slice(0, -1))
    const node = source.children.get(name)
    if (node === undefined) refuse('NOT_FOUND')
    const target = this.#targetOf(to, into, name)
    const parent = this.#directory(target.slice(0, -1))
    const last = target.at(-1)!
    const there = parent.children.get(last)
    if (there === node) return
    if (node.kind === 'directory') {
      if (from.every((each, i) => target[i] === each)) refuse('INVALID_ARGUMENT')
      if (there !== undefined && there.kind !== 'directory') refuse('FAILED_PRECONDITION')
      if (there !== undefined && there.children.size > 0) refuse('FAILED_PRECONDITION')
    } else if (there?.kind === 'directory') refuse('FAILED_PRECONDITION')
    source.children.delete(name)
    parent.children.set(last, node)
  }

  #targetOf(to: readonly string[], into: boolean, name: string): string[] {
    const last = to.at(-1)
    if (last === undefined) return into ? [name] : refuse('INVALID_ARGUMENT')
    const there = this.#directory(to.slice(0, -1)).children.get(last)
    return into && there?.kind === 'directory' ? [...to, name] : [...to]
  }

  remove(names: readonly string[], recursive: boolean): void {
    const name = names.at(-1)
    if (name === undefined) refuse('INVALID_ARGUMENT')
    const { children } = this.#directory(names.slice(0, -1))
    const node = children.get(name)
    if (node === undefined) refuse('NOT_FOUND')
    const isFull = node.kind === 'directory' && node.children.size > 0
    if (isFull && !recursive) refuse('FAILED_PRECONDITION')
    children.delete(name)
  }

  /** Paths with what they are, sorted. */
  shown(): string[] {
    const lines: string[] = []
    const walk = (node: ModelNode, path: string) => {
      if (node.kind === 'file') lines.push(`${path} = ${node.content}`)
      else if (node.kind === 'symlink') lines.push(`${path} -> ${node.target}`)
      else {
        lines.push(`${path}/`)
        for (const [name, child] of node.children) walk(child, `${path}/${name}`)
      }
    }
    walk(this.root, '')
    return lines.sort()
  }

  #directory(names: readonly string[]): ModelDirectory {
    let at: ModelDirectory = this.root
    for (const name of names) {
      const next = at.children.get(name)
      if (next === undefined) refuse('NOT_FOUND')
      if (next.kind !== 'directory') refuse('FAILED_PRECONDITION')
      at = next
    }
    return at
  }
}
