/** libp2p's loggers, led into the node's log. Nothing of libp2p is ever printed. */
import type { ComponentLogger, Logger } from '@libp2p/interface'
import type { Clock } from '../base/index.js'
import type { Log } from '../observability/index.js'

/**
 * What happens all day in a swarm, and libp2p logs as errors: peers that leave, time out, refuse
 * or speak less than we do. By the error's name or errno.
 */
const ROUTINE = new Set([
  'AbortError',
  'AggregateError',
  'ConnectionClosedError',
  'ConnectionClosingError',
  'ConnectionDeniedError',
  'ConnectionFailedError',
  'ConnectionInterceptedError',
  'DialDeniedError',
  'DialError',
  'EncryptionFailedError',
  'InactivityTimeoutError',
  'InvalidCryptoExchangeError',
  'InvalidPeerIdError',
  'MuxerClosedError',
  'MuxerUnavailableError',
  'NotFoundError',
  'NoValidAddressesError',
  'QueryAbortedError',
  'QueryError',
  'QueueFullError',
  'StreamAbortedError',
  'StreamClosedError',
  'StreamResetError',
  'StreamStateError',
  'TimeoutError',
  'UnexpectedEOFError',
  'UnexpectedPeerError',
  'UnsupportedProtocolError',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  // Listening that fails ends the start, and `Host.start` says why.
  'UnsupportedListenAddressesError',
  'EACCES',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
])

/** A hostile peer must not be able to fill the log: one warning a minute of each component. */
const WARNING_EVERY_MS = 60_000

/** @param stopping from then on whatever fails does so because its database or connection is closed. */
export function libp2pLogger(log: Log, clock: Clock, stopping: AbortSignal): ComponentLogger {
  const lastWarningMs = new Map<string, number>()

  const forComponent = (name: string): Logger => {
    // A stream's logger is named after its connection: only the part's own name limits warnings.
    const part = name.split(':').slice(0, 2).join(':')
    const detail = (format: unknown, args: unknown[]): void => {
      if (log.isLevelEnabled('trace')) {
        log.trace({ component: 'libp2p', scope: name }, formatMessage(format, args))
      }
    }
    const failure = (format: unknown, args: unknown[]): void => {
      const thrown = [format, ...args].find((arg): arg is Error => arg instanceof Error)
      if (!stopping.aborted && !isRoutine(thrown)) {
        const now = clock.monotonicMs()
        if (now - (lastWarningMs.get(part) ?? -WARNING_EVERY_MS) >= WARNING_EVERY_MS) {
          lastWarningMs.set(part, now)
          log.warn({ component: 'libp2p', scope: name }, formatMessage(format, args))
          return
        }
      }
      if (log.isLevelEnabled('debug')) {
        log.debug({ component: 'libp2p', scope: name }, formatMessage(format, args))
      }
    }
    const logger = Object.assign((format: unknown, ...args: unknown[]) => detail(format, args), {
      error: (format: unknown, ...args: unknown[]) => failure(format, args),
      trace: (format: unknown, ...args: unknown[]) => detail(format, args),
      newScope: (scope: string) => forComponent(`${name}:${scope}`),
    })
    Object.defineProperty(logger, 'enabled', { get: () => log.isLevelEnabled('trace') })
    return logger as Logger
  }
  return { forComponent }
}

function isRoutine(thrown: Error | undefined): boolean {
  if (thrown === undefined) return true
  const errno = (thrown as NodeJS.ErrnoException).code
  return ROUTINE.has(thrown.name) || (errno !== undefined && ROUTINE.has(errno))
}

/** printf as libp2p's own logger does it: `%s %d %o %p %a %c %e …`, each by its text. */
export function formatMessage(format: unknown, args: readonly unknown[]): string {
  if (typeof format !== 'string') return [format, ...args].map(textOf).join(' ')
  let next = 0
  const message = format.replace(/%([a-zA-Z%])/g, (whole, letter: string) => {
    if (letter === '%') return '%'
    if (next >= args.length) return whole
    return textOf(args[next++])
  })
  return [message, ...args.slice(next).map(textOf)].join(' ')
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.message === '' ? value.name : value.message
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(textOf).join(', ')
  return String(value)
}
