/**
 * Workers that keep what is stored in order: the collector frees what nothing keeps, the verifier
 * reads everything and checks it.
 *
 * Goals: never in the way of reads and writes; nothing that a pin or a running publish needs is
 * ever freed; damage is named, and repaired where another peer has the chunk.
 * Non-goals: what is worth keeping (pins say so), where copies should be.
 */
export {
  type CollectEvent,
  Collector,
  type CollectorComponents,
  type CollectorInit,
} from './collector.js'
export { Verifier, type VerifierComponents, type VerifyEvent } from './verifier.js'
