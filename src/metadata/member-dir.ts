/**
 * Which cluster this node is in: the directory `raft/` with its `member.json`, and how one membership
 * takes the place of another.
 *
 * A new membership grows beside the old one in `raft.new/`; its `member.json` is written last, so a
 * directory that has one is whole. Then the old one is renamed to `raft.<clusterId>.<n>/`, where it is
 * kept, and the new one to `raft/`. A crash leaves the old one, or is put right at the next open.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { base58btc } from 'multiformats/bases/base58'
import { DpsError } from '../base/index.js'
import { type Configuration, configurationOf, type NodeId, nodeIdOf } from '../raft/index.js'
import { writeFileDurably } from '../store/index.js'
import type { MemberAddress } from './cluster-codec.js'

export const MEMBER_FORMAT = 1
const MEMBER_FILE = 'member.json'
const CLUSTER_ID_BYTES = 16

/** What a node must know of its membership before it can open its replica. */
export interface Membership {
  clusterId: string
  nodeId: NodeId
  /** Index 0 of the cluster's log. The same on every member. */
  boot: Configuration
  /** As it was when this node came; the replicated record is what counts. */
  mode: string
  /** Whom to listen to until the log tells who the members are. */
  members: readonly MemberAddress[]
  /** This node was taken out of the cluster, and knows. */
  removed: boolean
  /** Its log has been written: if it is gone, promises are forgotten. */
  started: boolean
  /** Files of the former membership that are still to be brought along. */
  pendingImport?: { from: string; under: string }
}

export class MemberDir {
  readonly path: string
  #current: Membership

  private constructor(path: string, current: Membership) {
    this.path = path
    this.#current = current
  }

  /**
   * Finishes a change that a crash broke off, then reads what there is; makes a cluster of one
   * where there is nothing.
   *
   * @throws DATA_LOSS when the membership is unreadable: guessing could make this node vote twice
   */
  static async open(path: string, founder: { peerId: string; mode: string }): Promise<MemberDir> {
    const aside = `${path}.new`
    let current = await readMember(path)
    if (current === undefined) {
      if ((await readMember(aside)) === undefined) {
        await rm(aside, { recursive: true, force: true })
        await mkdir(aside, { mode: 0o700 })
        await writeMember(aside, foundingOf(founder))
      }
      await rename(aside, path)
      await syncDirectory(dirname(path))
      current = (await readMember(path))!
    } else {
      // Not wanted any more: whoever began it was never told that it was done.
      await rm(aside, { recursive: true, force: true })
    }
    return new MemberDir(path, current)
  }

  get current(): Membership {
    return this.#current
  }

  get logPath(): string {
    return join(this.path, 'log')
  }

  /** An empty directory for the next membership; a log and a state may be put into it. */
  async prepare(): Promise<string> {
    const aside = `${this.path}.new`
    await rm(aside, { recursive: true, force: true })
    await mkdir(aside, { mode: 0o700 })
    return aside
  }

  /**
   * Swaps the prepared directory in. Nothing may have the old one open.
   *
   * @returns the path where the old one is kept
   */
  async adopt(membership: Membership): Promise<string> {
    const aside = `${this.path}.new`
    await writeMember(aside, membership)
    const kept = await this.keepPath()
    await rename(this.path, kept)
    await rename(aside, this.path)
    await syncDirectory(dirname(this.path))
    this.#current = membership
    return kept
  }

  /** Where {@link adopt} would keep the current directory. */
  async keepPath(): Promise<string> {
    const prefix = `${basename(this.path)}.${this.#current.clusterId}.`
    const names = await readdir(dirname(this.path))
    const numbers = names
      .filter((name) => name.startsWith(prefix))
      .map((name) => Number(name.slice(prefix.length)))
    return join(dirname(this.path), `${prefix}${Math.max(0, ...numbers) + 1}`)
  }

  /** @throws DATA_LOSS when the log has been removed: nobody knows any more what it promised */
  async checkLog(): Promise<void> {
    if (!this.#current.started) return
    const names = await readdir(this.path)
    if (names.includes('log') || names.includes('log.promises')) return
    throw new DpsError('DATA_LOSS', `${join(this.path, 'log')} is missing`, {
      hint: `move ${this.path} away to go on as a cluster of one, then join again`,
    })
  }

  /** Changes what is known of the current membership. */
  async update(change: Partial<Pick<Membership, 'removed' | 'started'>>): Promise<void> {
    const names = Object.keys(change) as (keyof typeof change)[]
    if (names.every((name) => this.#current[name] === change[name])) return
    await this.#write({ ...this.#current, ...change })
  }

  async importDone(): Promise<void> {
    const { pendingImport: _, ...rest } = this.#current
    await this.#write(rest)
  }

  async #write(membership: Membership): Promise<void> {
    await writeMember(this.path, membership)
    this.#current = membership
  }
}

export function newClusterId(): string {
  return base58btc.encode(randomBytes(CLUSTER_ID_BYTES)).slice(1)
}

/** A new cluster with this peer as its only member. */
export function foundingOf({ peerId, mode }: { peerId: string; mode: string }): Membership {
  const nodeId = nodeIdOf(peerId, 1)
  return {
    clusterId: newClusterId(),
    nodeId,
    boot: configurationOf([nodeId]),
    mode,
    members: [],
    removed: false,
    started: false,
  }
}

async function writeMember(path: string, membership: Membership): Promise<void> {
  const text = `${JSON.stringify({ format: MEMBER_FORMAT, ...membership }, undefined, 2)}\n`
  await writeFileDurably(join(path, MEMBER_FILE), text)
}

/** Undefined where there is no such directory, or an unfinished one beside. @throws DATA_LOSS */
export async function readMember(path: string): Promise<Membership | undefined> {
  const file = join(path, MEMBER_FILE)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const names = await readdir(path).catch(() => [])
    if (names.length === 0 || path.endsWith('.new')) return undefined
    throw damaged(file, 'it is missing')
  }
  let value: Partial<Membership> & { format?: unknown }
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw damaged(file, 'it is no JSON', cause)
  }
  if (Number.isSafeInteger(value.format) && (value.format as number) > MEMBER_FORMAT) {
    throw new DpsError('FAILED_PRECONDITION', `${file}: a newer dps-node wrote it`, {
      hint: 'use the dps-node version that wrote it, or a newer one',
    })
  }
  const { clusterId, nodeId, boot, mode, members, removed, started, pendingImport } = value
  const isWhole =
    value.format === MEMBER_FORMAT &&
    typeof clusterId === 'string' &&
    typeof nodeId === 'string' &&
    typeof mode === 'string' &&
    typeof removed === 'boolean' &&
    typeof started === 'boolean' &&
    Array.isArray(boot?.voters) &&
    Array.isArray(members)
  if (!isWhole) throw damaged(file, 'it lacks what it should hold')
  return {
    clusterId,
    nodeId,
    boot: configurationOf(boot.voters, boot.learners),
    mode,
    members,
    removed,
    started,
    ...(pendingImport === undefined ? {} : { pendingImport }),
  }
}

function damaged(file: string, why: string, cause?: unknown): DpsError {
  return new DpsError('DATA_LOSS', `${file} is damaged: ${why}`, {
    cause,
    hint: `move ${dirname(file)} away to go on as a cluster of one, then join again`,
  })
}

/** Renames in it survive power loss. Directories can't be opened everywhere. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined)
  await directory?.sync().catch(() => {})
  await directory?.close()
}
