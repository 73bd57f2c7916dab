/**
 * What a node tells about itself: log lines, metrics, request ids.
 *
 * Goals: one shape for every log line, so that a line can be found by peer or request; metrics
 * that belong to a node, never to the process, so that two nodes in one process don't mix.
 * Non-goals: deciding what is worth a line; shipping logs anywhere (stderr is the interface).
 *
 * @example
 * const log = await createLog({ level: 'info', format: 'json', bindings: { node_id, instance_id } })
 * const scope = log.child({ component: 'exchange' })
 * scope.warn({ peer, request_id }, 'sent bytes that do not match their CID')
 */
export * from './log.js'
export * from './metrics.js'
export * from './request-id.js'
