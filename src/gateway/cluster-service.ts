/** The cluster behind the API: what the gateway needs of it, and the methods that clients call. */
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import type {
  ClusterStatus,
  Invitation,
  JoinOutcome,
  LeaveOutcome,
  MemberOutcome,
  RecoverOutcome,
} from '../metadata/index.js'
import { type ClusterService, sizeFromWire } from './codec.js'
import type { CallOptions } from './services.js'

/** Members are given by id, prefix of it, or name. */
export interface ClusterControl {
  status(call?: CallOptions): Promise<ClusterStatus>
  invite(options: { ttlMs?: number; uses?: number }, call?: CallOptions): Promise<Invitation>
  join(token: string, options: CallOptions & { importUnder?: string }): Promise<JoinOutcome>
  leave(call?: CallOptions): Promise<LeaveOutcome>
  promote(peer: string, call?: CallOptions): Promise<MemberOutcome>
  demote(peer: string, call?: CallOptions): Promise<MemberOutcome>
  remove(peer: string, call?: CallOptions): Promise<MemberOutcome>
  transfer(peer: string, call?: CallOptions): Promise<MemberOutcome>
  recover(options: CallOptions & { force: boolean }): Promise<RecoverOutcome>
}

export function clusterService(
  cluster: ClusterControl,
  callOf: (context: HandlerContext) => CallOptions,
): ServiceImpl<typeof ClusterService> {
  return {
    async clusterStatus(_, context) {
      const status = await cluster.status(callOf(context))
      return {
        ...status,
        members: status.members.map((member) => ({ ...member, addrs: [...member.addrs] })),
        warnings: status.warnings.map(({ message, hint }) => ({ message, hint })),
      }
    },
    async invite({ ttlMs, uses }, context) {
      const ttl = sizeFromWire(ttlMs, 'ttl_ms')
      const options = { ...(ttl > 0 && { ttlMs: ttl }), ...(uses > 0 && { uses }) }
      const invitation = await cluster.invite(options, callOf(context))
      return { ...invitation, expires: new Date(invitation.expiresAtMs).toISOString() }
    },
    join: ({ token, importUnder }, context) =>
      cluster.join(token, { ...callOf(context), ...(importUnder !== '' && { importUnder }) }),
    leave: (_, context) => cluster.leave(callOf(context)),
    promote: ({ peer }, context) => cluster.promote(peer, callOf(context)),
    demote: ({ peer }, context) => cluster.demote(peer, callOf(context)),
    remove: ({ peer }, context) => cluster.remove(peer, callOf(context)),
    transfer: ({ peer }, context) => cluster.transfer(peer, callOf(context)),
    async recover({ force }, context) {
      const outcome = await cluster.recover({ force, ...callOf(context) })
      return { ...outcome, lost: [...outcome.lost], warnings: [...outcome.warnings] }
    },
  }
}
