/**
 * One command's view of the namespace: what the state holds, and over it what the command has
 * changed so far. Pure; a command that fails throws its draft away.
 */
import { assert, DpsError } from '../../base/index.js'
import type { ApplyContext } from '../command.js'
import type { Draft } from '../draft.js'
import { textOfKey } from '../keys.js'
import {
  contentKey,
  directoryKey,
  entryKey,
  holderKey,
  TOTALS_KEY,
  trashKey,
  uploadKey,
} from '../namespace-keys.js'
import {
  type ContentRecord,
  type DirectoryId,
  type DirectoryRecord,
  EXTENT_BYTES,
  type FileId,
  type NamespaceEntry,
  type NamespaceTotals,
  type UploadRecord,
} from '../namespace-types.js'
import {
  CONTENTS,
  DETACHED,
  directoryTable,
  ENTRIES,
  type NamespaceTree,
  type Table,
  TOTALS,
  UPLOADS,
} from './namespace-records.js'

const NOTHING = new Uint8Array(0)

/** What the state held under a key, and what the command has put there. */
interface Slot<T> {
  readonly key: Uint8Array
  readonly table: Table<T>
  readonly wasThere: boolean
  now: T | undefined
  changed: boolean
}

export class NamespaceDraft implements NamespaceTree {
  readonly nowNs: bigint
  /** Of what the command changes: its index in the log, so that no entry ever had it before. */
  readonly version: number
  /** The leader's. */
  readonly nowMs: number
  readonly #view: Draft
  readonly #slots = new Map<string, Slot<unknown>>()
  /** Keys that say something by being there. */
  readonly #flags = new Map<string, { key: Uint8Array; present: boolean }>()
  /** Takes back the current step, in reverse; undefined outside of one. */
  #undo: (() => void)[] | undefined

  constructor({ view, timeMs, index }: ApplyContext) {
    this.#view = view
    this.version = index
    this.nowMs = timeMs
    this.nowNs = BigInt(Math.trunc(timeMs)) * 1_000_000n
  }

  /** A number that no directory had before. */
  #next(): number {
    const totals = this.totals()
    this.#set(this.#totals(), { ...totals, nextNumber: totals.nextNumber + 1 })
    return totals.nextNumber
  }

  totals(): NamespaceTotals {
    return this.#totals().now as NamespaceTotals
  }

  #totals(): Slot<NamespaceTotals> {
    return this.#slot('n', () => TOTALS_KEY, TOTALS)
  }

  #count(change: Partial<NamespaceTotals>): void {
    const slot = this.#totals()
    const totals = { ...(slot.now as NamespaceTotals) }
    for (const [name, by] of Object.entries(change) as [keyof NamespaceTotals, number][]) {
      totals[name] += by
      assert(totals[name] >= 0, `namespace: ${name} fell below zero`)
    }
    this.#set(slot, totals)
  }

  directory(id: DirectoryId): DirectoryRecord | undefined {
    return this.#directory(id).now
  }

  setDirectory(id: DirectoryId, record: DirectoryRecord): void {
    this.#set(this.#directory(id), record)
  }

  /** Makes a directory below another, without the entry that names it. */
  addDirectory(record: Omit<DirectoryRecord, 'version' | 'ctimeNs' | 'entries'>): DirectoryId {
    const id = this.#next()
    this.setDirectory(id, { ...record, entries: 0, ctimeNs: this.nowNs, version: this.version })
    this.#count({ directories: 1 })
    return id
  }

  /** Without its entries: they must be gone. */
  dropDirectory(id: DirectoryId): void {
    assert(this.directory(id)?.entries === 0, `directory ${id} goes with entries in it`)
    this.#set(this.#directory(id), undefined)
    this.#count({ directories: -1 })
  }

  /** From now on the directory and all below it is no part of the namespace. */
  detach(id: DirectoryId): void {
    const record = this.directory(id)
    assert(record !== undefined, `directory ${id} is detached and does not exist`)
    this.setDirectory(id, { ...record, parentId: DETACHED })
    this.#flag(trashKey(id), true)
  }

  isDetached(id: DirectoryId): boolean {
    return this.directory(id)?.parentId === DETACHED
  }

  /** Nothing is left of a detached directory. */
  dropDetached(id: DirectoryId): void {
    this.dropDirectory(id)
    this.#flag(trashKey(id), false)
  }

  #directory(id: DirectoryId): Slot<DirectoryRecord> {
    return this.#slot(`d${id}`, () => directoryKey(id), directoryTable(id))
  }

  entry(directory: DirectoryId, name: string): NamespaceEntry | undefined {
    return this.#entry(directory, name).now
  }

  /**
   * What a directory holds under a name; keeps its count. Contents and directories that an entry
   * named before are the caller's.
   */
  setEntry(directory: DirectoryId, name: string, entry: NamespaceEntry | undefined): void {
    const slot = this.#entry(directory, name)
    const before = slot.now
    const by = (entry === undefined ? 0 : 1) - (before === undefined ? 0 : 1)
    const parent = this.directory(directory)
    assert(parent !== undefined, `directory ${directory} of an entry does not exist`)
    this.setDirectory(directory, {
      ...parent,
      entries: parent.entries + by,
      attributes: { ...parent.attributes, mtimeNs: this.nowNs },
      ctimeNs: this.nowNs,
    })
    this.#set(slot, entry)
    if (before?.kind !== entry?.kind) {
      if (before !== undefined) this.#countKind(before, -1)
      if (entry !== undefined) this.#countKind(entry, 1)
    }
  }

  /** What an entry says of itself, without a change of its directory. */
  changeEntry(directory: DirectoryId, name: string, entry: NamespaceEntry): void {
    this.#set(this.#entry(directory, name), entry)
  }

  #countKind({ kind }: NamespaceEntry, by: number): void {
    if (kind === 'file') this.#count({ files: by })
    else if (kind === 'symlink') this.#count({ symlinks: by })
  }

  #entry(directory: DirectoryId, name: string): Slot<NamespaceEntry> {
    return this.#slot(`e${directory}/${name}`, () => entryKey(directory, name), ENTRIES)
  }

  content(fileId: FileId): ContentRecord | undefined {
    return this.#content(fileId).now
  }

  /** One more entry names the content, whose chunks `holder` has. */
  refer(fileId: FileId, { sizeBytes, policy }: NewContent, holder: string): void {
    const slot = this.#content(fileId)
    const before = slot.now
    if (before === undefined) {
      const extents = Math.max(1, Math.ceil(sizeBytes / EXTENT_BYTES))
      const placement = [{ extents, holders: [holder] }]
      this.#set(slot, { sizeBytes, policy, references: 1, placement })
      this.#count({ contents: 1, sizeBytes })
      this.#flag(holderKey(holder, fileId), true)
      return
    }
    if (before.sizeBytes !== sizeBytes) {
      throw new DpsError(
        'INVALID_ARGUMENT',
        `the content has ${before.sizeBytes} bytes, not ${sizeBytes}`,
      )
    }
    const placement = before.placement.map(({ extents, holders }) => ({
      extents,
      holders: holders.includes(holder) ? holders : [...holders, holder],
    }))
    this.#set(slot, { ...before, policy, references: before.references + 1, placement })
    this.#flag(holderKey(holder, fileId), true)
  }

  /** One entry less names the content; without any, its holders need to keep it no longer. */
  unrefer(fileId: FileId): void {
    const slot = this.#content(fileId)
    const before = slot.now
    assert(before !== undefined, 'an entry names a content that is not there')
    if (before.references > 1) {
      this.#set(slot, { ...before, references: before.references - 1 })
      return
    }
    this.#set(slot, undefined)
    this.#count({ contents: -1, sizeBytes: -before.sizeBytes })
    for (const holder of new Set(before.placement.flatMap(({ holders }) => holders))) {
      this.#flag(holderKey(holder, fileId), false)
    }
  }

  #content(fileId: FileId): Slot<ContentRecord> {
    return this.#slot(`c${textOfKey(fileId)}`, () => contentKey(fileId), CONTENTS)
  }

  upload(id: number): UploadRecord | undefined {
    return this.#upload(id).now
  }

  setUpload(id: number, record: UploadRecord | undefined): void {
    this.#set(this.#upload(id), record)
  }

  #upload(id: number): Slot<UploadRecord> {
    return this.#slot(`u${id}`, () => uploadKey(id), UPLOADS)
  }

  /** Writes everything that the command changed. */
  save(): void {
    for (const { key, present } of this.#flags.values()) {
      if (present) this.#view.put(key, NOTHING)
      else this.#view.delete(key)
    }
    for (const { key, table, wasThere, now, changed } of this.#slots.values()) {
      if (!changed || (now === undefined && !wasThere)) continue
      if (now === undefined) this.#view.delete(key)
      else if (wasThere) this.#view.put(key, table.encode(now))
      else this.#view.putNew(key, table.encode(now))
    }
  }

  /** Runs one of several steps: what it changed is undone when it throws. */
  step<T>(work: () => T): T {
    const undo: (() => void)[] = []
    this.#undo = undo
    try {
      return work()
    } catch (error) {
      for (const back of undo.reverse()) back()
      throw error
    } finally {
      this.#undo = undefined
    }
  }

  /** @param name of the record, cheaper than its key: a command looks at some of them often. */
  #slot<T>(name: string, keyOf: () => Uint8Array, table: Table<T>): Slot<T> {
    let slot = this.#slots.get(name) as Slot<T> | undefined
    if (slot === undefined) {
      const key = keyOf()
      const bytes = this.#view.get(key)
      const now = bytes === undefined ? table.absent : table.decode(bytes)
      slot = { key, table, wasThere: bytes !== undefined, now, changed: false }
      this.#slots.set(name, slot as unknown as Slot<unknown>)
    }
    return slot
  }

  #set<T>(slot: Slot<T>, value: T | undefined): void {
    const { now, changed } = slot
    this.#undo?.push(() => Object.assign(slot, { now, changed }))
    slot.now = value
    slot.changed = true
  }

  #flag(key: Uint8Array, present: boolean): void {
    const name = textOfKey(key)
    const before = this.#flags.get(name)
    this.#undo?.push(() => {
      if (before === undefined) this.#flags.delete(name)
      else this.#flags.set(name, before)
    })
    this.#flags.set(name, { key, present })
  }
}

interface NewContent {
  sizeBytes: number
  policy: string
}
