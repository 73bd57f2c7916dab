/** What becomes of contents beyond being kept. Who must hold them is for placement to say. */
import { DpsError } from '../base/index.js'

export interface NamespacePolicy {
  /** Whether the swarm is told that it can be had here. */
  announce: boolean
}

export const DEFAULT_POLICY = 'default'

export const NAMESPACE_POLICIES: Readonly<Record<string, NamespacePolicy>> = {
  default: { announce: false },
  public: { announce: true },
}

/** @throws NOT_FOUND naming those that there are */
export function policyOf(name: string): NamespacePolicy {
  const policy = Object.hasOwn(NAMESPACE_POLICIES, name) ? NAMESPACE_POLICIES[name] : undefined
  if (policy !== undefined) return policy
  throw new DpsError('NOT_FOUND', `there is no policy '${name}'`, {
    hint: `choose one of: ${Object.keys(NAMESPACE_POLICIES).join(', ')}`,
  })
}
