/**
 * The one error type. A `code` is a gRPC canonical name, so that an error keeps its meaning
 * from a disk through a peer and a gateway to a person's exit code.
 */

/** gRPC canonical codes with what each becomes at every door. */
export const ERROR_CODES = {
  CANCELLED: { grpc: 1, http: 499, errno: 'ECANCELED', exit: 130 },
  INVALID_ARGUMENT: { grpc: 3, http: 400, errno: 'EINVAL', exit: 2 },
  DEADLINE_EXCEEDED: { grpc: 4, http: 504, errno: 'ETIMEDOUT', exit: 1 },
  NOT_FOUND: { grpc: 5, http: 404, errno: 'ENOENT', exit: 4 },
  ALREADY_EXISTS: { grpc: 6, http: 409, errno: 'EEXIST', exit: 1 },
  PERMISSION_DENIED: { grpc: 7, http: 403, errno: 'EACCES', exit: 12 },
  RESOURCE_EXHAUSTED: { grpc: 8, http: 429, errno: 'ENOSPC', exit: 1 },
  FAILED_PRECONDITION: { grpc: 9, http: 412, errno: 'EPERM', exit: 1 },
  ABORTED: { grpc: 10, http: 409, errno: 'EAGAIN', exit: 1 },
  UNIMPLEMENTED: { grpc: 12, http: 501, errno: 'ENOSYS', exit: 1 },
  INTERNAL: { grpc: 13, http: 500, errno: 'EIO', exit: 1 },
  UNAVAILABLE: { grpc: 14, http: 503, errno: 'EHOSTUNREACH', exit: 1 },
  DATA_LOSS: { grpc: 15, http: 500, errno: 'EIO', exit: 1 },
  UNAUTHENTICATED: { grpc: 16, http: 401, errno: 'EACCES', exit: 12 },
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export interface DpsErrorOptions {
  cause?: unknown
  /** What the person can do about it, as an imperative: "start one with: npx dps-node". */
  hint?: string
  /** Exit code when it differs from the table's (10: no repository, 11: repository in use). */
  exitCode?: number
}

export class DpsError extends Error {
  readonly code: ErrorCode
  readonly hint?: string
  readonly exitCode: number

  constructor(code: ErrorCode, message: string, options: DpsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'DpsError'
    this.code = code
    this.exitCode = options.exitCode ?? ERROR_CODES[code].exit
    if (options.hint !== undefined) this.hint = options.hint
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value)
}

/** The code of a gRPC status number; unknown numbers are INTERNAL. */
export function errorCodeOfGrpc(status: number): ErrorCode {
  for (const [code, row] of Object.entries(ERROR_CODES)) {
    if (row.grpc === status) return code as ErrorCode
  }
  return 'INTERNAL'
}

/**
 * What any thrown value means. A `DpsError` is returned as it is; aborts and timeouts become
 * CANCELLED and DEADLINE_EXCEEDED; everything else is INTERNAL with its cause kept.
 */
export function toDpsError(thrown: unknown): DpsError {
  if (thrown instanceof DpsError) return thrown
  if (thrown instanceof Error) {
    if (thrown.name === 'TimeoutError') {
      return new DpsError('DEADLINE_EXCEEDED', 'timed out', { cause: thrown })
    }
    if (thrown.name === 'AbortError') {
      return new DpsError('CANCELLED', 'cancelled', { cause: thrown })
    }
    const errno = (thrown as NodeJS.ErrnoException).code
    const code = errno === undefined ? undefined : CODE_OF_ERRNO[errno]
    return new DpsError(code ?? 'INTERNAL', thrown.message, { cause: thrown })
  }
  return new DpsError('INTERNAL', String(thrown), { cause: thrown })
}

const CODE_OF_ERRNO: Record<string, ErrorCode> = {
  ENOENT: 'NOT_FOUND',
  EEXIST: 'ALREADY_EXISTS',
  EACCES: 'PERMISSION_DENIED',
  EPERM: 'PERMISSION_DENIED',
  ENOSPC: 'RESOURCE_EXHAUSTED',
  EDQUOT: 'RESOURCE_EXHAUSTED',
  EMFILE: 'RESOURCE_EXHAUSTED',
  EISDIR: 'INVALID_ARGUMENT',
  ENOTDIR: 'INVALID_ARGUMENT',
  ECONNREFUSED: 'UNAVAILABLE',
  ECONNRESET: 'UNAVAILABLE',
  EPIPE: 'UNAVAILABLE',
  EADDRINUSE: 'FAILED_PRECONDITION',
}

/** Invariants: a false one means that going on would spread damage. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Thrown by {@link assert}; the process's top level ends the process on it. */
export class AssertionError extends Error {
  constructor(message: string) {
    super(`broken invariant: ${message}`)
    this.name = 'AssertionError'
  }
}
