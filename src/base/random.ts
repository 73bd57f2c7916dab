/** Randomness as a part that is given, so that a test or a simulator can replay it. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
}

export const systemRandom: Random = { next: () => Math.random() }

/** Exponential back-off with full jitter: between half and the whole of the capped step. */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, random: Random): number {
  const step = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30))
  return step / 2 + random.next() * (step / 2)
}
