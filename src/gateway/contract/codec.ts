/** The API's contract as both of its ends see it: service definitions, and errors on the wire. */
import { fromJson, type JsonValue, toJson } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import {
  DpsError,
  ERROR_CODES,
  errorCodeOfGrpc,
  isErrorCode,
  toDpsError,
} from '../../base/index.js'
import {
  ErrorInfoSchema,
  type PublishEvent,
  PublishEventSchema,
} from '../../wire/api/dps/api/v1/api_pb.js'
import { type PutEvent, PutEventSchema } from '../../wire/api/dps/api/v1/namespace_pb.js'

export * from '../../wire/api/dps/api/v1/api_pb.js'
export * from '../../wire/api/dps/api/v1/cluster_pb.js'
export * from '../../wire/api/dps/api/v1/namespace_pb.js'

/** Follows a request through every log line, on every node. */
export const REQUEST_ID_HEADER = 'x-request-id'
/**
 * Sent as `accept` by clients that read the {@link ERROR_TRAILER}: a download that fails midway
 * then ends with its reason. All others see their connection break, as HTTP can't say more.
 */
export const ACCEPT_ERROR_HEADER = 'dps-error-trailer'
/** An {@link ErrorJson} as base64url, since header fields hold no free text. */
export const ERROR_TRAILER = 'dps-error'
/** Bytes of the body, where `content-length` can't say it (with an error trailer). */
export const BODY_BYTES_HEADER = 'dps-content-length'

export interface ErrorJson {
  code: string
  message: string
  hint?: string
  exitCode?: number
}

export function errorToJson(error: DpsError): ErrorJson {
  const { code, message, hint, exitCode } = error
  const json: ErrorJson = { code, message }
  if (hint !== undefined) json.hint = hint
  if (exitCode !== ERROR_CODES[code].exit) json.exitCode = exitCode
  return json
}

/** Anything that is no error of ours becomes INTERNAL with what it said. */
export function errorFromJson(json: unknown): DpsError {
  if (typeof json !== 'object' || json === null) {
    return new DpsError('INTERNAL', `no error in the answer: ${JSON.stringify(json)}`)
  }
  const { code, message, hint, exitCode } = json as Record<string, unknown>
  return new DpsError(isErrorCode(code) ? code : 'INTERNAL', String(message ?? 'unknown error'), {
    ...(typeof hint === 'string' && { hint }),
    ...(Number.isInteger(exitCode) && { exitCode: exitCode as number }),
  })
}

export function errorToTrailer(error: DpsError): string {
  return Buffer.from(JSON.stringify(errorToJson(error))).toString('base64url')
}

export function errorFromTrailer(trailer: string): DpsError {
  try {
    return errorFromJson(JSON.parse(Buffer.from(trailer, 'base64url').toString()))
  } catch (cause) {
    return new DpsError('INTERNAL', 'the error trailer is unreadable', { cause })
  }
}

/** For Connect, gRPC and gRPC-Web alike: the code, the message, hint and exit code as a detail. */
export function toConnectError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown
  const error = toDpsError(thrown)
  const value = { hint: error.hint ?? '', exitCode: error.exitCode }
  return new ConnectError(
    error.message,
    ERROR_CODES[error.code].grpc as Code,
    undefined,
    [{ desc: ErrorInfoSchema, value }],
    error,
  )
}

export function fromConnectError(thrown: unknown): DpsError {
  if (!(thrown instanceof ConnectError)) return toDpsError(thrown)
  // Our own, on its way out: nothing was lost yet.
  if (thrown.cause instanceof DpsError) return thrown.cause
  const [info] = thrown.findDetails(ErrorInfoSchema)
  const code = thrown.code === Code.OutOfRange ? 'INVALID_ARGUMENT' : errorCodeOfGrpc(thrown.code)
  return new DpsError(code, thrown.rawMessage, {
    cause: thrown.cause ?? thrown,
    ...(info?.hint && { hint: info.hint }),
    ...(info?.exitCode && { exitCode: info.exitCode }),
  })
}

/** One line of an upload's answer. */
export function publishEventToJson(event: PublishEvent): JsonValue {
  return toJson(PublishEventSchema, event, { alwaysEmitImplicit: true })
}

/** One line of the answer to an upload to a path. */
export function putEventToJson(event: PutEvent): JsonValue {
  return toJson(PutEventSchema, event, { alwaysEmitImplicit: true })
}

export function putEventFromJson(json: unknown): PutEvent {
  return fromJson(PutEventSchema, json as JsonValue, { ignoreUnknownFields: true })
}

/** Fields that a newer node added are ignored. */
export function publishEventFromJson(json: unknown): PublishEvent {
  return fromJson(PublishEventSchema, json as JsonValue, { ignoreUnknownFields: true })
}
