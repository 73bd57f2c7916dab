/** A progress bar on a terminal's stderr: bytes, rate, time left. Silent anywhere else. */
import { type Clock, systemClock } from '../base/index.js'
import { humanBytes, humanTime } from './format.js'
import type { Output } from './io.js'

export interface ProgressInit {
  enabled: boolean
  /** Bright bar; without it the bar is plain characters. */
  colors: boolean
  clock?: Clock
}

// Rates are of the last seconds: long enough to be calm, short enough to show a stall.
const WINDOW_MS = 5_000
const REDRAW_MS = 100

export class Progress {
  readonly enabled: boolean
  readonly #out: Output
  readonly #colors: boolean
  readonly #clock: Clock
  #label = ''
  #samples: { atMs: number; doneBytes: number }[] = []
  #drawnAtMs = Number.NEGATIVE_INFINITY
  #visible = false

  constructor(out: Output, init: ProgressInit) {
    this.#out = out
    this.enabled = init.enabled
    this.#colors = init.colors
    this.#clock = init.clock ?? systemClock
  }

  /** Names what follows; forgets the rate of what came before. */
  start(label: string): void {
    this.#label = label
    this.#samples = []
  }

  /** `totalBytes` 0: unknown. Draws at most ten times a second. */
  update(doneBytes: number, totalBytes: number, extra = ''): void {
    if (!this.enabled) return
    const nowMs = this.#clock.monotonicMs()
    this.#samples.push({ atMs: nowMs, doneBytes })
    while (this.#samples.length > 2 && nowMs - this.#samples[0]!.atMs > WINDOW_MS) {
      this.#samples.shift()
    }
    if (nowMs - this.#drawnAtMs < REDRAW_MS) return
    this.#drawnAtMs = nowMs
    this.#visible = true
    this.#out.write(`\r${this.render(doneBytes, totalBytes, extra)}\x1b[K`)
  }

  /** Counted work (chunks to verify) in place of bytes. */
  updateCount(done: number, total: number, noun: string): void {
    if (!this.enabled) return
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#drawnAtMs < REDRAW_MS) return
    this.#drawnAtMs = nowMs
    this.#visible = true
    const of = total > 0 ? ` of ${total.toLocaleString('en-US')}` : ''
    this.#out.write(`\r${this.#label} ${done.toLocaleString('en-US')}${of} ${noun}\x1b[K`)
  }

  render(doneBytes: number, totalBytes: number, extra: string): string {
    const rate = this.#rate()
    const parts = [this.#label]
    if (totalBytes > 0) {
      const share = Math.min(1, doneBytes / totalBytes)
      parts.push(this.#bar(share), `${String(Math.floor(share * 100)).padStart(3)}%`)
      parts.push(`${humanBytes(doneBytes)} / ${humanBytes(totalBytes)}`)
    } else {
      parts.push(humanBytes(doneBytes))
    }
    if (rate > 0) parts.push(`${humanBytes(rate)}/s`)
    if (rate > 0 && totalBytes > doneBytes) {
      parts.push(`${humanTime(((totalBytes - doneBytes) / rate) * 1000)} left`)
    }
    if (extra !== '') parts.push(extra)
    // A line that wraps can't be redrawn in place: what comes last goes first.
    const limit = this.#out.columns - 1
    while (parts.length > 1 && parts.join('  ').length > limit) parts.pop()
    const text = parts.join('  ').slice(0, limit)
    // Colours take no columns: they come when the rest fits.
    return this.#colors ? text.replace(/\[([=> ]+)\]/, '[\x1b[36m$1\x1b[0m]') : text
  }

  /** Removes the bar, so that a line can be printed where it stood. */
  clear(): void {
    if (!this.#visible) return
    this.#visible = false
    this.#drawnAtMs = Number.NEGATIVE_INFINITY
    this.#out.write('\r\x1b[K')
  }

  #rate(): number {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
    return ((last.doneBytes - first.doneBytes) / (last.atMs - first.atMs)) * 1000
  }

  #bar(share: number): string {
    const width = this.#out.columns >= 100 ? 30 : this.#out.columns >= 70 ? 16 : 8
    const full = Math.round(share * width)
    return `[${'='.repeat(Math.max(0, full - 1))}${full > 0 ? '>' : ''}${' '.repeat(width - full)}]`
  }
}
