/** The commands of `cluster`. */
import { durationArgument, wholeNumber } from './options.js'
import type { Build } from './program-build.js'

export function addClusterCommands({ program, act, leaf, group }: Build): void {
  program.commandsGroup('Cluster:')
  const cluster = group('cluster', 'nodes that share one namespace and store for each other')
  const clusters = async () => await import('./cluster.js')
  act(
    leaf(
      cluster,
      'status',
      'members, roles, leader, term, commit and applied index, lag',
      'cluster status',
    ),
    async () => (await clusters()).clusterStatus,
  )
  act(
    leaf(
      cluster,
      'invite',
      'print a token that lets another node join; it is shown only once',
      'cluster invite --ttl 10m --uses 2',
    )
      .option('--ttl <duration>', 'valid for so long (default: 1h)', durationArgument('--ttl'))
      .option(
        '--uses <n>',
        'nodes that may join with it (default: 1)',
        wholeNumber('--uses', 1, 1000),
      ),
    async () => (await clusters()).clusterInvite,
  )
  act(
    leaf(
      cluster,
      'join <token>',
      'join the cluster that the token is from; pins and chunks stay',
      'cluster join dpsjoin1…',
    ).option(
      '--import-under <path>',
      'bring the files of this node along, below that path of the cluster',
    ),
    async () => (await clusters()).clusterJoin,
  )
  act(
    leaf(
      cluster,
      'leave',
      'leave the cluster and go on as a cluster of one; pins and chunks stay',
      'cluster leave',
    ),
    async () => (await clusters()).clusterLeave,
  )
  act(
    leaf(
      cluster,
      'promote <peer>',
      'make a member a voter, and keep it one',
      'cluster promote nas',
    ),
    async () => (await clusters()).clusterPromote,
  )
  act(
    leaf(
      cluster,
      'demote <peer>',
      'make a member a learner, and keep it one: it follows and does not vote',
      'cluster demote laptop',
    ),
    async () => (await clusters()).clusterDemote,
  )
  act(
    leaf(cluster, 'remove <peer>', 'take a member out of the cluster', 'cluster remove 12D3KooWJ7'),
    async () => (await clusters()).clusterRemove,
  )
  act(
    leaf(cluster, 'transfer <peer>', 'hand the leadership to a voter', 'cluster transfer nas'),
    async () => (await clusters()).clusterTransfer,
  )
  act(
    leaf(
      cluster,
      'recover',
      'after a majority is lost for good: go on with what this node has',
      'cluster recover --force',
    ).option('--force', 'do it; without, only check and say what would happen'),
    async () => (await clusters()).clusterRecover,
  )
}
