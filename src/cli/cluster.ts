/** `cluster …`: who belongs together, and how that changes. Nothing is decided here. */
import { DpsError } from '../base/index.js'
import type { ClusterStatusResponse, MemberResponse } from '../gateway/index.js'
import { tilde } from './errors.js'
import { columns, count, humanTime, shown } from './format.js'
import { dataDirFlag, type Handler, type Session } from './session.js'

/** Works without a running node too: then it tells what this node knows by itself. */
export const clusterStatus: Handler = async (session) => {
  const { client } = await session.node()
  const answer = await client.cluster.clusterStatus({}, { signal: session.signal })
  if (session.json) session.value(statusJson(answer))
  else statusScreen(session, answer)
}

function statusJson(answer: ClusterStatusResponse): Record<string, unknown> {
  const { clusterId, leader, term, commitIndex, appliedIndex, role, peerId, mode } = answer
  return {
    clusterId,
    leader: leader ?? null,
    term,
    commitIndex,
    appliedIndex,
    role,
    peerId,
    mode,
    members: answer.members.map((member) => ({
      peerId: member.peerId,
      name: member.name,
      role: member.role,
      state: member.state,
      appliedIndex: member.appliedIndex ?? null,
      zone: member.zone,
      addrs: member.addrs,
      lastHeardMs: member.lastHeardMs ?? null,
      wish: member.wish,
    })),
    warnings: answer.warnings.map(({ message, hint }) => ({ message, hint })),
  }
}

function statusScreen(session: Session, answer: ClusterStatusResponse): void {
  const row = (label: string, text: string) => session.line(`${label.padEnd(11)}${text}`)
  const number = (value: number) => value.toLocaleString('en-US')
  const { members, leader, commitIndex } = answer
  row('Cluster', `${answer.clusterId} (${answer.mode})`)
  const led = members.find(({ peerId }) => peerId === leader)
  const name = led === undefined || led.name === '' ? '' : ` (${shown(led.name)})`
  row('Leader', leader === undefined ? 'none' : `${leader}${name}`)
  row('Term', number(answer.term))
  row('Committed', number(commitIndex))
  row('Applied', `${number(answer.appliedIndex)} here, as ${answer.role}`)
  const rows = members.map((member) => [
    `  ${member.peerId === answer.peerId ? '*' : ' '} ${member.peerId}`,
    shown(member.name) || '-',
    member.peerId === leader ? 'leader' : member.role,
    member.state,
    lagOf(member.appliedIndex, commitIndex),
    member.lastHeardMs === undefined ? '' : `heard ${humanTime(member.lastHeardMs)} ago`,
  ])
  row('Members', String(members.length))
  for (const line of columns(rows)) session.line(line)
  for (const { message, hint } of answer.warnings) {
    session.line(`Warning    ${shown(message)}`)
    if (hint !== '') session.line(`           ${shown(hint)}`)
  }
}

function lagOf(appliedIndex: number | undefined, commitIndex: number): string {
  if (appliedIndex === undefined) return 'lag unknown'
  const lag = Math.max(0, commitIndex - appliedIndex)
  return lag === 0 ? 'up to date' : `${lag.toLocaleString('en-US')} behind`
}

export const clusterInvite: Handler = async (session, _, options) => {
  const { client } = await session.running()
  const ttlMs = (options.ttl as number | undefined) ?? 0
  const uses = (options.uses as number | undefined) ?? 0
  const answer = await client.cluster.invite({ ttlMs, uses }, { signal: session.signal })
  if (session.json) {
    session.value({ token: answer.token, expires: answer.expires, uses: answer.uses })
    return
  }
  session.line(answer.token)
  const who = answer.uses === 1 ? 'one node' : `${answer.uses} nodes`
  session.note(`lets ${who} join until ${answer.expires}; whoever has it can, so keep it secret`)
  session.note('on the other node: dps-node cluster join TOKEN')
}

export const clusterJoin: Handler = async (session, [token], options) => {
  const { client } = await session.running()
  const importUnder = (options.importUnder as string | undefined) ?? ''
  const request = { token: String(token), importUnder }
  const answer = await client.cluster.join(request, longCall(session))
  const { clusterId, caughtUp, imported, keptAside } = answer
  if (session.json) {
    session.value({ event: 'joined', clusterId, caughtUp, imported, keptAside })
    return
  }
  session.line(`joined ${clusterId}`)
  if (imported > 0) session.note(`${imported.toLocaleString('en-US')} files are at ${importUnder}`)
  noteKept(session, keptAside)
  if (!caughtUp) {
    session.note(`it is still catching up; see: dps-node cluster status${flag(session)}`)
  }
}

export const clusterLeave: Handler = async (session) => {
  const { client } = await session.running()
  const answer = await client.cluster.leave({}, longCall(session))
  const { clusterId, leftClusterId, keptAside, onlyCopies } = answer
  if (session.json) {
    session.value({ event: 'left', clusterId, leftClusterId, keptAside, onlyCopies })
    return
  }
  session.line(`left ${leftClusterId}; this node is now ${clusterId}, a cluster of one`)
  warnOfCopies(session, onlyCopies)
  noteKept(session, keptAside)
}

export const clusterPromote = change('promoted', (session, peer) => call(session, 'promote', peer))
export const clusterDemote = change('demoted', (session, peer) => call(session, 'demote', peer))
export const clusterRemove = change('removed', (session, peer) => call(session, 'remove', peer))
export const clusterTransfer = change('transferred', (session, peer) =>
  call(session, 'transfer', peer),
)

async function call(
  session: Session,
  method: 'promote' | 'demote' | 'remove' | 'transfer',
  peer: string,
): Promise<MemberResponse> {
  const { client } = await session.running()
  return client.cluster[method]({ peer }, longCall(session))
}

function change(
  event: string,
  act: (session: Session, peer: string) => Promise<MemberResponse>,
): Handler {
  return async (session, [peer]) => {
    const { peerId, role, onlyCopies } = await act(session, String(peer))
    if (session.json) {
      const copies = event === 'removed' ? { onlyCopies } : {}
      session.value({ event, peerId, role, ...copies })
      return
    }
    session.line(event === 'transferred' ? `${peerId} leads` : `${event} ${peerId}`)
    warnOfCopies(session, onlyCopies)
  }
}

export const clusterRecover: Handler = async (session, _, options) => {
  const { client } = await session.running()
  const force = options.force === true
  const answer = await client.cluster.recover({ force }, longCall(session))
  const { clusterId, formerClusterId, keptAside, lost, warnings } = answer
  if (session.json && force) {
    session.value({ event: 'recovered', clusterId, formerClusterId, keptAside, lost, warnings })
    return
  }
  for (const warning of warnings) session.note(`warning: ${warning}`)
  if (!force) {
    throw new DpsError('FAILED_PRECONDITION', 'recover: nothing was changed', {
      hint: `to go on with what this node has: dps-node cluster recover --force${flag(session)}`,
    })
  }
  session.line(`recovered ${formerClusterId} as ${clusterId}, with this node alone`)
  for (const peerId of lost) session.line(`no longer a member: ${peerId}`)
  noteKept(session, keptAside)
  session.note(`invite the others again with: dps-node cluster invite${flag(session)}`)
}

/** Elections and snapshots may come in between: longer than the API's usual minute. */
const CHANGE_TIMEOUT_MS = 10 * 60_000

function longCall({ signal }: Session) {
  return { signal, timeoutMs: CHANGE_TIMEOUT_MS }
}

function noteKept(session: Session, path: string): void {
  if (path !== '') session.note(`what was here before is kept at ${tilde(path)}`)
}

/** Until copies are made by policy, a node that goes may take the only ones along. */
function warnOfCopies(session: Session, onlyCopies: number): void {
  if (onlyCopies === 0) return
  const files = count(onlyCopies, 'file')
  session.note(
    `warning: the only copies of ${files} are on that node; the cluster still lists them`,
  )
}

function flag({ settings }: Session): string {
  return dataDirFlag(settings.dataDir)
}
