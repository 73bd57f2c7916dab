/**
 * Runs a transcript: commands in readable text, each followed by what it prints.
 *
 *     # A comment is kept.
 *     campaign a
 *     ----
 *     a: preCandidate in term 0
 *
 * A block of several commands prints together. `commands()` below is the whole language.
 */
import { DpsError } from '../../src/base/index.js'
import {
  type Configuration,
  configurationOf,
  type Entry,
  type Message,
  type Ready,
} from '../../src/raft/index.js'
import {
  bytes,
  Cluster,
  emptyDisk,
  entriesOf,
  type Member,
  type Options,
  text,
} from '../raft/cluster.js'

/** @returns the transcript with the output that the cores really gave */
export function runTranscript(source: string): string {
  const driver = new Driver()
  const blocks = source.trim().split(/\n\s*\n/)
  const results = blocks.map((block) => {
    const lines = block.split('\n')
    const end = lines.indexOf('----')
    const input = end === -1 ? lines : lines.slice(0, end)
    const commands = input.filter((line) => !line.startsWith('#'))
    if (commands.length === 0) return input.join('\n')
    const output = commands.flatMap((line) => driver.run(line))
    return [...input, '----', ...(output.length === 0 ? ['ok'] : output)].join('\n')
  })
  return `${results.join('\n\n')}\n`
}

const NUMBERS = new Set([
  'electionTicks',
  'heartbeatTicks',
  'entryBytesMax',
  'appendBytesMax',
  'inflightMessagesMax',
  'inflightBytesMax',
  'uncommittedBytesMax',
  'applyBytesMax',
])

class Driver {
  readonly #cluster = new Cluster()
  #options: Options = {}
  #out: string[] = []
  #quiet = false

  run(line: string): string[] {
    this.#out = []
    this.#quiet = line.startsWith('quiet ')
    const [name, ...args] = line.replace(/^quiet /, '').split(/ +/) as [string, ...string[]]
    try {
      this.#command(name, args)
    } catch (error) {
      if (!(error instanceof DpsError)) throw error
      return [`${error.code}: ${error.message}`]
    }
    return this.#quiet ? [] : this.#out
  }

  #print(line: string): void {
    this.#out.push(line)
  }

  #command(name: string, args: string[]): void {
    const cluster = this.#cluster
    const [id = '', second = '', third = ''] = args
    switch (name) {
      // options electionTicks=10 appendBytesMax=100: for nodes that come after.
      case 'options':
        for (const arg of args) {
          const [key, value] = arg.split('=') as [string, string]
          if (!NUMBERS.has(key)) throw new Error(`no option ${key}`)
          this.#options = { ...this.#options, [key]: Number(value) }
        }
        return
      // boot a b c / d e: voters, and learners behind the slash.
      case 'boot': {
        const slash = args.indexOf('/')
        const voters = slash === -1 ? args : args.slice(0, slash)
        const learners = slash === -1 ? [] : args.slice(slash + 1)
        const configuration = configurationOf(voters, learners)
        for (const each of [...voters, ...learners]) {
          this.#add(each, configuration)
        }
        return
      }
      // join d: a newcomer that knows the boot configuration of the first node, as an invitation tells it.
      case 'join': {
        const [first] = cluster.members.values()
        const boot = first!.disk.boot
        this.#add(id, boot)
        return
      }
      // log a 1 1 4 term=5 commit=2: what the disk of a holds; restarts it.
      case 'log':
        this.#setLog(cluster.get(id), args.slice(1))
        return
      case 'campaign':
        cluster.raft(id).campaign()
        this.#takeRole(id)
        return
      // tick a 10, or tick * 10 for everybody in turn.
      case 'tick':
        for (let at = 0; at < Number(second || '1'); at++) {
          for (const each of this.#ids([id])) cluster.raft(each).tick()
        }
        return
      case 'propose':
        for (const { index, term } of cluster.raft(id).propose(...args.slice(1).map(bytes))) {
          this.#print(`${id}: proposed at ${index}/${term}`)
        }
        return
      case 'change': {
        const kind = second as 'addVoter' | 'addLearner' | 'remove'
        const change = { kind, id: third, context: bytes('') }
        const { index, term } = cluster.raft(id).proposeConfChange(change)
        this.#print(`${id}: proposed at ${index}/${term}`)
        return
      }
      case 'transfer':
        cluster.raft(id).transferLeader(second)
        return
      case 'read':
        cluster.raft(id).readIndex(second)
        return
      case 'unreachable':
        cluster.raft(id).reportUnreachable(second)
        return
      case 'report':
        cluster.raft(id).reportSnapshot(second, third as 'finished' | 'failed' | 'interrupted')
        return
      // compact a 3: snapshot of what a has applied; entries up to 3 leave the log (default: all).
      case 'compact':
        cluster.get(id).compact(second === '' ? undefined : Number(second))
        return
      // ready a, or ready a crash: everything is sent that may leave before the disk; then power fails.
      case 'ready':
        this.#ready(cluster.get(id), second === 'crash')
        return
      // deliver a [from b] [vote]: what waits for a. lose: the same, but nothing arrives.
      case 'deliver':
      case 'lose':
        for (const message of this.#take(args)) {
          if (name === 'deliver') this.#deliver(message)
          else this.#print(`lost ${show(message)}`)
        }
        return
      // duplicate b vote: what waits is delivered, and stays under way.
      case 'duplicate': {
        const messages = this.#take(args)
        cluster.network.push(...messages)
        for (const message of messages) this.#deliver(message)
        return
      }
      // settle [a b]: everybody (or these) works and hears until nothing is left to do.
      case 'settle':
        this.#settle(this.#ids(args))
        return
      case 'isolate':
        cluster.isolate(id)
        return
      // cut a b: nothing from a reaches b.
      case 'cut':
        cluster.cut.add(`${id}>${second}`)
        return
      case 'heal':
        cluster.heal()
        return
      // restart a: what the disk holds is all that is left.
      case 'restart':
        cluster.get(id).start()
        this.#roles.delete(id)
        return
      // damage a 3: the disk loses its entries from 3 on, which is noticed at the next start.
      case 'damage':
        cluster.get(id).damage(Number(second))
        return
      case 'status':
        for (const each of this.#ids(args)) this.#print(this.#status(cluster.get(each)))
        return
      // logs: the terms of each log, the commit index marked by a bar.
      case 'logs':
        for (const each of this.#ids(args)) this.#print(this.#log(cluster.get(each)))
        return
      // state: what the state machines have applied.
      case 'state':
        for (const each of this.#ids(args)) {
          this.#print(`${each}: ${cluster.get(each).disk.state.join(' ') || '(nothing)'}`)
        }
        return
      case 'progress':
        for (const [member, { match, next, state }] of cluster.raft(id).status().members) {
          this.#print(`${member}: ${state} match ${match} next ${next}`)
        }
        return
      default:
        throw new Error(`no command ${name}`)
    }
  }

  /** The first node waits 10 ticks, the second 11, and so on: who campaigns is in the text. */
  #add(id: string, configuration: Configuration): void {
    const place = this.#cluster.members.size / 10
    const random = { next: () => place }
    this.#cluster.add(id, emptyDisk(configuration), { random, ...this.#options })
  }

  #ids(args: string[]): string[] {
    const named = args.filter((arg) => arg !== '*' && arg !== '')
    return named.length > 0 ? named : [...this.#cluster.members.keys()]
  }

  #setLog(member: Member, args: string[]): void {
    const { disk } = member
    const terms = args.filter((arg) => !arg.includes('=')).map(Number)
    const given = new Map(args.filter((arg) => arg.includes('=')).map((arg) => pair(arg)))
    disk.snapshot = { index: 0, term: 0, configuration: disk.boot }
    disk.applied = 0
    disk.state = []
    this.#roles.delete(member.id)
    disk.entries = entriesOf(...terms)
    disk.hardState = {
      term: given.get('term') ?? terms.at(-1) ?? 0,
      vote: undefined,
      commit: given.get('commit') ?? 0,
    }
    member.start()
  }

  #deliver(message: Message): void {
    this.#print(show(message))
    this.#cluster.deliver(message)
    this.#takeRole(message.to)
  }

  readonly #roles = new Map<string, string>()

  /** Prints a change of role or leader. */
  #takeRole(id: string): void {
    const member = this.#cluster.members.get(id)
    if (member === undefined) return
    const { role, term, leader } = member.raft.status()
    const following = role === 'follower' && leader !== undefined ? ` of ${leader}` : ''
    const now = `${role}${following} in term ${term}`
    if (this.#roles.get(id) !== now) this.#print(`${id}: ${now}`)
    this.#roles.set(id, now)
  }

  #ready(member: Member, crash = false): void {
    const { raft, id } = member
    if (!raft.hasReady) return
    const ready = raft.ready()
    this.#takeRole(id)
    this.#cluster.send(ready.appends)
    for (const line of showReady(id, ready)) this.#print(line)
    if (crash) {
      this.#print(`${id}: lost power before the disk had it`)
      member.start()
      this.#roles.delete(id)
      return
    }
    member.persist(ready)
    this.#cluster.send(ready.promises)
    member.apply(ready.committed)
    const before = JSON.stringify(raft.configuration)
    raft.advance()
    const { voters, learners } = raft.configuration
    if (JSON.stringify(raft.configuration) !== before) {
      this.#print(`${id}: voters ${voters.join(' ')}${learners.map((l) => ` / ${l}`).join('')}`)
    }
    this.#takeRole(id)
  }

  /** `[to] [from x] [type]` out of the network. */
  #take(args: string[]): Message[] {
    const [to, ...rest] = args
    const from = rest[0] === 'from' ? rest[1] : undefined
    const type = rest[0] === 'from' ? rest[2] : rest[0]
    const matches = (message: Message) =>
      (to === '*' || message.to === to) &&
      (from === undefined || message.from === from) &&
      (type === undefined || message.type === type)
    const { network } = this.#cluster
    this.#cluster.network = network.filter((message) => !matches(message))
    return network.filter(matches)
  }

  #settle(ids: string[]): void {
    for (let round = 0; round < 500; round++) {
      let busy = false
      for (const id of ids) {
        const member = this.#cluster.get(id)
        if (!member.raft.hasReady) continue
        busy = true
        this.#ready(member)
      }
      for (const id of ids) {
        for (const message of this.#take([id])) {
          busy = true
          this.#deliver(message)
        }
      }
      if (!busy) return
    }
    throw new Error('the cluster does not come to rest')
  }

  #status({ id, raft }: Member): string {
    const { role, term, committed, applied, lastIndex, leader, healing } = raft.status()
    const whose = role === 'follower' && leader !== undefined ? ` of ${leader}` : ''
    const trust = healing ? ' healing' : ''
    return `${id}: ${role}${whose} term ${term} commit ${committed} applied ${applied} last ${lastIndex}${trust}`
  }

  #log({ id, raft, disk }: Member): string {
    const { committed, firstIndex } = raft.status()
    const kept = disk.entries.filter(({ index }) => index >= firstIndex)
    const start = firstIndex > 1 ? [`(..${firstIndex - 1})`] : []
    const below = kept.filter(({ index }) => index <= committed).map(({ term }) => `${term}`)
    const above = kept.filter(({ index }) => index > committed).map(({ term }) => `${term}`)
    return `${id}: ${[...start, ...below, '|', ...above].join(' ')}`
  }
}

function pair(text: string): [string, number] {
  const [key, value] = text.split('=') as [string, string]
  return [key, Number(value)]
}

function showEntry(entry: Entry): string {
  const place = `${entry.index}/${entry.term}`
  if (entry.kind === 'noop') return `${place} noop`
  if (entry.kind === 'config') return `${place} ${entry.change.kind} ${entry.change.id}`
  return `${place} "${text(entry.data)}"`
}

function showReady(id: string, ready: Ready): string[] {
  const { hardState, entries, snapshot, committed, readStates, healed } = ready
  const lines: string[] = []
  const saved: string[] = []
  if (hardState !== undefined) {
    const { term, vote, commit } = hardState
    saved.push(`term ${term}${vote === undefined ? '' : ` vote ${vote}`} commit ${commit}`)
  }
  if (snapshot !== undefined) saved.push(`snapshot ${snapshot.index}/${snapshot.term}`)
  if (entries.length > 0) saved.push(`entries ${entries.map(showEntry).join(', ')}`)
  if (healed) saved.push('healed')
  if (saved.length > 0) lines.push(`${id}: ${ready.mustSync ? 'sync' : 'save'} ${saved.join('; ')}`)
  if (committed.length > 0) lines.push(`${id}: apply ${committed.map(showEntry).join(', ')}`)
  for (const { context, index } of readStates) lines.push(`${id}: read ${context} at ${index}`)
  return lines
}

function show(message: Message): string {
  const head = `${message.from}>${message.to}`
  const term = `term ${message.term}`
  switch (message.type) {
    case 'vote': {
      const how = message.pre ? 'pre-vote' : message.transfer ? 'vote (transfer)' : 'vote'
      return `${head} ${how} ${term} last ${message.lastIndex}/${message.lastTerm}`
    }
    case 'voteReply':
      return `${head} ${message.pre ? 'pre-vote' : 'vote'} ${message.granted ? 'granted' : 'rejected'} ${term}`
    case 'append': {
      const { prevIndex, prevTerm, entries, commit } = message
      const list = entries.length > 0 ? ` [${entries.map(showEntry).join(', ')}]` : ''
      return `${head} append ${term} after ${prevIndex}/${prevTerm}${list} commit ${commit}`
    }
    case 'appendReply':
      if (!message.rejected) return `${head} has ${message.index} ${term}`
      return `${head} rejects ${message.index}, try ${message.hintIndex}/${message.hintTerm} ${term}${message.lost ? ' lost' : ''}`
    case 'heartbeat':
      return `${head} heartbeat ${term} commit ${message.commit}${message.round > 0 ? ` round ${message.round}` : ''}`
    case 'heartbeatReply':
      return `${head} heartbeat-ok ${term}${message.round > 0 ? ` round ${message.round}` : ''}`
    case 'snapshot':
      return `${head} snapshot ${term} at ${message.snapshot.index}/${message.snapshot.term}`
    case 'readIndex':
      return `${head} ${message.heal ? 'heal' : 'read'} ${message.context} ${term}`
    case 'readIndexReply':
      return `${head} read ${message.context} at ${message.index} ${term}`
    case 'transfer':
      return `${head} transfer to ${message.target} ${term}`
    case 'timeoutNow':
      return `${head} timeout-now ${term}`
    case 'termNotice':
      return `${head} notice ${term}`
  }
}
