/** Completion scripts, made from the tree of commands, so that they can't forget one. */
import type { Command, Option } from 'commander'
import { settingsTable } from '../config.js'
import { usageError } from './errors.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** The script for a shell. INVALID_ARGUMENT names the shells there are. */
export function completionFor(program: Command, shell: string): string {
  const nodes = nodesOf(program)
  switch (shell) {
    case 'bash':
      return bash(nodes)
    case 'zsh':
      return zsh(nodes)
    case 'fish':
      return fish(nodes)
    default:
      throw usageError(
        `no completion for ${JSON.stringify(shell)}`,
        `accepted: ${SHELLS.join(', ')}`,
      )
  }
}

interface Flag {
  names: string[]
  takesValue: boolean
  /** Words its value may be; empty: files. */
  values: string[]
  doc: string
}

interface Node {
  /** Words after the program's name; empty: the program itself. */
  path: string[]
  children: { name: string; doc: string }[]
  flags: Flag[]
  /** Words its arguments may be; undefined: files. */
  operands: string[] | undefined
}

/** What takes words of its own in place of files. */
function operandsOf(path: string): string[] | undefined {
  if (path === 'completion') return [...SHELLS]
  if (path === 'config get' || path === 'config set') return settingsTable().map(({ key }) => key)
  if (path === 'diag') return ['healthy']
  return path === 'publish' || path === 'put' ? undefined : []
}

function nodesOf(program: Command): Node[] {
  const nodes: Node[] = []
  const visit = (command: Command, path: string[], inherited: Flag[]): void => {
    const own = command.options.filter((option) => !option.hidden).map(flagOf)
    const flags = [...own, ...inherited, HELP_FLAG]
    nodes.push({
      path,
      children: command.commands.map((child) => ({ name: child.name(), doc: child.description() })),
      flags,
      operands: command.commands.length > 0 ? [] : operandsOf(path.join(' ')),
    })
    for (const child of command.commands)
      visit(child, [...path, child.name()], [...own, ...inherited])
  }
  visit(program, [], [])
  // Bare, the program starts the node: its flags are good there too.
  const start = nodes.find(({ path }) => path[0] === 'start')
  const known = new Set(nodes[0]!.flags.flatMap(({ names }) => names))
  for (const flag of start?.flags ?? []) {
    if (!flag.names.some((name) => known.has(name))) nodes[0]!.flags.push(flag)
  }
  return nodes
}

const HELP_FLAG: Flag = {
  names: ['-h', '--help'],
  takesValue: false,
  values: [],
  doc: 'show usage',
}

function flagOf(option: Option): Flag {
  const names = [option.short, option.long].filter((name) => name !== undefined)
  const key = 'key' in option ? String(option.key) : undefined
  const setting = settingsTable().find((candidate) => candidate.key === key)
  return {
    names,
    takesValue: option.required || option.optional,
    values: [...(setting?.shape.words ?? [])],
    doc: option.description,
  }
}

function bash(nodes: readonly Node[]): string {
  const word = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  const cases = nodes.map(({ path, children, flags, operands }) => {
    const words = [...children.map(({ name }) => name), ...(operands ?? [])].join(' ')
    const options = flags.flatMap(({ names }) => names).join(' ')
    const files = operands === undefined ? 1 : 0
    return `    ${word(path.join(' '))}) words=${word(words)}; flags=${word(options)}; files=${files} ;;`
  })
  const valued = uniqueFlags(nodes).filter(({ takesValue }) => takesValue)
  const values = valued.map(({ names, values }) => {
    const reply =
      values.length > 0
        ? `COMPREPLY=($(compgen -W ${word(values.join(' '))} -- "$current"))`
        : 'COMPREPLY=($(compgen -f -- "$current"))'
    return `    ${names.join('|')}) ${reply}; return ;;`
  })
  const skipped = valued.flatMap(({ names }) => names).join('|')
  const paths = nodes.filter(({ path }) => path.length > 0).map(({ path }) => word(path.join(' ')))
  return `# bash completion for dps-node
# Install: dps-node completion bash > /etc/bash_completion.d/dps-node
_dps_node() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local path='' candidate words flags files index word
  COMPREPLY=()
  case "$previous" in
${values.join('\n')}
  esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in
      ${skipped}) ((index++)); continue ;;
      -*) continue ;;
    esac
    candidate="\${path:+$path }$word"
    case "$candidate" in
      ${paths.join('|')}) path="$candidate" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    if [[ "$files" == 1 ]]; then
      COMPREPLY+=($(compgen -f -- "$current"))
    fi
  fi
}
complete -o filenames -F _dps_node dps-node
`
}

function zsh(nodes: readonly Node[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  // In _describe a colon parts word and description.
  const item = (name: string, doc: string) => quoted(`${name.replaceAll(':', '\\:')}:${doc}`)
  const cases = nodes.map(({ path, children, flags, operands }) => {
    const words = [
      ...children.map(({ name, doc }) => item(name, doc)),
      ...(operands ?? []).map((name) => item(name, '')),
    ]
    const options = flags.flatMap(({ names, doc }) => names.map((name) => item(name, doc)))
    const files = operands === undefined ? 1 : 0
    return `    ${quoted(path.join(' '))}) words_=(${words.join(' ')}); flags=(${options.join(' ')}); files=${files} ;;`
  })
  const valued = uniqueFlags(nodes).filter(({ takesValue }) => takesValue)
  const values = valued.map(({ names, values }) => {
    const reply = values.length > 0 ? `compadd -- ${values.map(quoted).join(' ')}` : '_files'
    return `    ${names.join('|')}) ${reply}; return ;;`
  })
  const skipped = valued.flatMap(({ names }) => names).join('|')
  const paths = nodes
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => quoted(path.join(' ')))
  return `#compdef dps-node
# zsh completion for dps-node
# Install: dps-node completion zsh > "\${fpath[1]}/_dps-node"
_dps_node() {
  local current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}"
  local at='' candidate word files=0
  local -a words_ flags
  local -i index
  case "$previous" in
${values.join('\n')}
  esac
  for ((index = 2; index < CURRENT; index++)); do
    word="\${words[index]}"
    case "$word" in
      ${skipped}) ((index++)); continue ;;
      -*) continue ;;
    esac
    candidate="\${at:+$at }$word"
    case "$candidate" in
      ${paths.join('|')}) at="$candidate" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    _describe 'option' flags
  else
    ((\${#words_})) && _describe 'command' words_
    ((files)) && _files
  fi
}
if [[ "$funcstack[1]" == _dps-node ]]; then
  _dps_node "$@"
else
  compdef _dps_node dps-node
fi
`
}

function fish(nodes: readonly Node[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = [
    '# fish completion for dps-node',
    '# Install: dps-node completion fish > ~/.config/fish/completions/dps-node.fish',
    'function __dps_node_at',
    '    set -l words (commandline -opc)',
    '    set -e words[1]',
    "    set -l at ''",
    '    for word in $words',
    "        string match -q -- '-*' $word; and continue",
    '        set -l candidate (string trim -- "$at $word")',
    `        contains -- "$candidate" ${nodes
      .filter(({ path }) => path.length > 0)
      .map(({ path }) => quoted(path.join(' ')))
      .join(' ')}; and set at $candidate`,
    '    end',
    '    test "$at" = "$argv[1]"',
    'end',
    'complete -c dps-node -f',
  ]
  for (const { path, children, flags, operands } of nodes) {
    const when = `complete -c dps-node -n ${quoted(`__dps_node_at ${quoted(path.join(' '))}`)}`
    for (const { name, doc } of children) lines.push(`${when} -a ${quoted(name)} -d ${quoted(doc)}`)
    if (operands === undefined) lines.push(`${when} -F`)
    else if (operands.length > 0) lines.push(`${when} -a ${quoted(operands.join(' '))}`)
    for (const { names, takesValue, values, doc } of flags) {
      const parts = names.map((name) =>
        name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
      )
      const value =
        values.length > 0 ? ` -x -a ${quoted(values.join(' '))}` : takesValue ? ' -r -F' : ''
      lines.push(`${when} ${parts.join(' ')}${value} -d ${quoted(doc)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function uniqueFlags(nodes: readonly Node[]): Flag[] {
  const found = new Map<string, Flag>()
  for (const flag of nodes.flatMap(({ flags }) => flags)) {
    const name = flag.names.join(',')
    if (!found.has(name)) found.set(name, flag)
  }
  return [...found.values()]
}
