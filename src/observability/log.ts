/** Structured log lines with the fields of the operating contract. */
import { pino } from 'pino'
import { DpsError, toDpsError } from '../base/index.js'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const LOG_FORMATS = ['pretty', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/**
 * Fields of a line. The named ones are the contract (docs/architecture); others may be added
 * where a line needs them, in snake_case. `err` takes anything thrown.
 */
export interface LogFields {
  /** The part that speaks, e.g. `exchange`. */
  component?: string
  /** The peer id at the other end. */
  peer?: string
  request_id?: string
  trace_id?: string
  /** This node's peer id. */
  node_id?: string
  service_id?: string
  /** New at each process start. */
  instance_id?: string
  err?: unknown
  [field: string]: unknown
}

export interface LogFn {
  (message: string): void
  (fields: LogFields, message: string): void
}

export interface Log {
  trace: LogFn
  debug: LogFn
  info: LogFn
  warn: LogFn
  error: LogFn
  fatal: LogFn
  /** A scope whose lines all carry `fields`. */
  child(fields: LogFields): Log
  /** For lines whose making costs something. */
  isLevelEnabled(level: LogLevel): boolean
}

/** Where whole lines go, each ended by a newline. */
export interface LogDestination {
  write(line: string): unknown
}

export interface LogInit {
  /** @default 'info' */
  level?: LogLevel
  /** @default 'json' */
  format?: LogFormat
  /** Fields of every line: `node_id`, `instance_id`. */
  bindings?: LogFields
  /** Colours in the pretty format. @default false */
  colors?: boolean
  /** @default stderr, written synchronously, so that the last line before a crash is there */
  destination?: LogDestination
}

const STDERR = 2

/**
 * A node's log. Asynchronous because the pretty printer is loaded only when asked for; it runs
 * in this thread, as worker transports cost start-up time and cannot be bundled.
 */
export async function createLog(init: LogInit = {}): Promise<Log> {
  const { level = 'info', format = 'json', bindings = {}, colors = false } = init
  const destination = init.destination ?? pino.destination({ dest: STDERR, sync: true })
  return pino<never, boolean>(
    {
      level,
      base: bindings,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    format === 'json' ? destination : await prettyDestination(destination, colors),
  )
}

async function prettyDestination(
  destination: LogDestination,
  colorize: boolean,
): Promise<LogDestination> {
  // Bundled, a CommonJS module has its exports under `default` alone.
  const { default: pinoPretty } = await import('pino-pretty')
  const pretty = pinoPretty.prettyFactory({
    colorize,
    messageKey: 'message',
    translateTime: 'SYS:HH:MM:ss.l',
    // Who speaks is in front of the message; the rest is the same on every line of a process.
    ignore: 'node_id,instance_id,component,service_id',
    // A person reads lines: what a program wants of them is in the json format.
    singleLine: true,
    messageFormat: '{if component}{component}: {end}{message}',
  })
  return { write: (line) => destination.write(pretty(line) ?? line) }
}

/** What a line says about a thrown value: code and cause chain, the stack only where unexpected. */
export function describeError(thrown: unknown): Record<string, unknown> {
  const error = toDpsError(thrown)
  const described: Record<string, unknown> = { code: error.code, message: error.message }
  const unexpected = !(thrown instanceof DpsError) || error.code === 'INTERNAL'
  if (unexpected && thrown instanceof Error) described.stack = thrown.stack
  const cause = thrown instanceof Error ? thrown.cause : undefined
  if (cause !== undefined && cause !== thrown) described.cause = describeCause(cause)
  return described
}

// A cause can carry causes of its own, and even itself.
const CAUSES_MAX = 5

function describeCause(cause: unknown): string {
  const messages: string[] = []
  for (let at = cause; at !== undefined && messages.length < CAUSES_MAX; ) {
    messages.push(at instanceof Error ? at.message : String(at))
    at = at instanceof Error ? at.cause : undefined
  }
  return messages.join(': ')
}

/** A log that says nothing: for parts used without a node. */
export const silentLog: Log = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {},
  child: () => silentLog,
  isLevelEnabled: () => false,
}
