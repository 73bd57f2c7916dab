/** What libp2p throws, in the terms of the house. */
import { type AbortOptions, DpsError, type ErrorCode } from '../base/index.js'

/** libp2p's names. What is not here is UNAVAILABLE: the peer could not be used, for some reason. */
const CODE_OF_NAME: Record<string, ErrorCode> = {
  TimeoutError: 'DEADLINE_EXCEEDED',
  InvalidMultiaddrError: 'INVALID_ARGUMENT',
  InvalidPeerIdError: 'INVALID_ARGUMENT',
  InvalidParametersError: 'INVALID_ARGUMENT',
  UnsupportedProtocolError: 'UNIMPLEMENTED',
  TooManyOutboundProtocolStreamsError: 'RESOURCE_EXHAUSTED',
  NotStartedError: 'FAILED_PRECONDITION',
}

const REASON_OF_ERRNO: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no answer',
}

const REASON_OF_NAME: Record<string, string> = {
  NoValidAddressesError: 'no address of it is known',
  NotFoundError: 'no address of it is known',
  UnsupportedProtocolError: 'it does not speak the protocol',
  UnexpectedEOFError: 'it closed the connection',
  EncryptionFailedError: 'no secure channel could be agreed on',
}

/**
 * Why using a peer failed. The caller's own abort leaves as its reason, unwrapped.
 *
 * @param doing what was tried, for the message: "connect to /ip4/…"
 */
export function peerError(thrown: unknown, doing: string, options: AbortOptions = {}): unknown {
  if (options.signal?.aborted) return options.signal.reason
  if (thrown instanceof DpsError) return thrown
  const leaf = leafOf(thrown)
  const name = leaf instanceof Error ? leaf.name : ''
  // libp2p's own dial timeout arrives as a bare abort: the caller's was handled above.
  const code = name === 'AbortError' ? 'DEADLINE_EXCEEDED' : (CODE_OF_NAME[name] ?? 'UNAVAILABLE')
  return new DpsError(code, `cannot ${doing}: ${reasonOf(leaf, code)}`, { cause: thrown })
}

/** The first cause below an AggregateError: with several addresses, one reason stands for all. */
function leafOf(thrown: unknown): unknown {
  let leaf = thrown
  while (leaf instanceof AggregateError && leaf.errors.length > 0) {
    // A refusal says more than the timeout of another address.
    const errors: unknown[] = leaf.errors
    leaf = errors.find((error) => !isTimeout(error)) ?? errors[0]
  }
  return leaf
}

function isTimeout(thrown: unknown): boolean {
  return thrown instanceof Error && ['TimeoutError', 'AbortError'].includes(thrown.name)
}

function reasonOf(thrown: unknown, code: ErrorCode): string {
  if (code === 'DEADLINE_EXCEEDED') return 'no answer in time'
  if (!(thrown instanceof Error)) return String(thrown)
  // Noise reports it as any other failure of the handshake, in words.
  if (
    thrown.name === 'UnexpectedPeerError' ||
    /identity key .* does not match/.test(thrown.message)
  ) {
    return 'another peer answers at that address'
  }
  const errno = (thrown as NodeJS.ErrnoException).code
  return (
    REASON_OF_NAME[thrown.name] ??
    (errno === undefined ? undefined : REASON_OF_ERRNO[errno]) ??
    thrown.message
  )
}

const LISTEN_REASONS: [RegExp, (addr: string) => DpsErrorParts][] = [
  [
    /EADDRINUSE/,
    (addr) => ({
      message: `port ${portOf(addr)} is in use (${addr})`,
      hint: 'stop the program that has it, or choose another with --listen (port 0 takes a free one)',
    }),
  ],
  [
    /EACCES/,
    (addr) => ({
      message: `port ${portOf(addr)} may not be used without privileges (${addr})`,
      hint: 'choose a port above 1023 with --listen',
    }),
  ],
  [
    /EADDRNOTAVAIL/,
    (addr) => ({
      message: `${addr} is no address of this machine`,
      hint: 'listen on /ip4/0.0.0.0/tcp/4101 for all addresses',
    }),
  ],
]

interface DpsErrorParts {
  message: string
  hint: string
}

/** libp2p keeps a failed listener only as text, one line of it for each address. */
export function listenError(thrown: unknown, listen: readonly string[]): DpsError {
  if (thrown instanceof DpsError) return thrown
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  for (const addr of listen) {
    const at = text.indexOf(`${addr}: `)
    if (at < 0) continue
    const line = text.slice(at, at + 500)
    for (const [pattern, parts] of LISTEN_REASONS) {
      if (!pattern.test(line)) continue
      const { message, hint } = parts(addr)
      return new DpsError('FAILED_PRECONDITION', message, { cause: thrown, hint })
    }
  }
  return new DpsError('FAILED_PRECONDITION', `cannot listen on ${listen.join(', ')}`, {
    cause: thrown,
    hint: 'check --listen: an address looks like /ip4/0.0.0.0/tcp/4101',
  })
}

function portOf(addr: string): string {
  return /\/tcp\/(\d+)/.exec(addr)?.[1] ?? addr
}
