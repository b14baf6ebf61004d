/** `burgeon cluster`: what its commands take. */
import { type Command, Option } from 'commander'
import { clusterJoin, type ClusterJoinOptions } from '../../commands/cluster/join.ts'
import { clusterStart, type ClusterStartOptions } from '../../commands/cluster/start.ts'
import { clusterLeave, type ClusterLookOptions, clusterStatus } from '../../commands/cluster/status.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { out, seed } from '../learn-command.ts'
import { json, number, several, wholeNumber } from '../option-values.ts'

/** Adds the commands. */
export function addCluster(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const cluster = program
    .command('cluster')
    .description('one model that learns on many machines, which speak through a NATS broker')
  withBroker(
    cluster
      .command('start')
      .description('begin a cluster, or take it up: deal out a text, and keep the shared model')
      .argument('<source>', 'file or folder'),
  )
    .addOption(out('life'))
    .option('--column <name>', 'of tables (CSV, TSV) learn this column alone, by its name or number')
    .option('--passes <n>', 'read it so many times in all; once unless given', wholeNumber(1))
    .addOption(seed)
    .option('--learning-rate <x>', 'how far a step of a worker goes; 0.001 unless given', number(1e-12, 1e12))
    .option(
      '--protection <x>',
      'how much it costs a worker to move weights that matter (EWC); 0 unless given',
      number(0, 1e12),
    )
    .option(
      '--policy <file>',
      'JSON of what may be learnt and said, judged before it is dealt out; everything unless given',
    )
    .option('--guard <file>', 'JSON of guards by name, judged likewise; everything unless given')
    .option(
      '--local-steps <n>',
      'records that a worker learns between two exchanges; 50 unless given',
      wholeNumber(1, 10_000),
    )
    .addOption(
      new Option('--form <form>', 'how updates are written; f32 unless given').choices([
        'f32',
        'int8',
        'top-k',
      ]),
    )
    .option('--share <x>', 'share of the numbers that top-k sends; 0.05 unless given', number(1e-9, 1))
    .option('--rate <x>', 'rate of the outer step; 0.7 unless given', number(1e-9, 1e9))
    .option('--momentum <x>', 'momentum of the outer step, below 1; 0.9 unless given', number(0, 1 - 1e-9))
    .option(
      '--outlier <x>',
      'times the median norm from which on an update is refused; 4 unless given',
      number(1 + 1e-9, 1e9),
    )
    .option(
      '--keep-every <n>',
      'rounds after which the shared state is kept whole at the broker; 10 unless given',
      wholeNumber(1),
    )
    .option(
      '--keep-states <n>',
      'such states that stay at the broker, with what was learnt since the first of them; 2 unless given',
      wholeNumber(1),
    )
    .option(
      '--patience <seconds>',
      'seconds without a word after which a round goes on without who is late',
      number(0.1, 1e6),
      60,
    )
    .addOption(json('print a line of JSON per round, and one at the end'))
    .addHelpText('after', examples)
    .action(async (source: string, options: ClusterStartOptions) =>
      finish(await clusterStart(source, options, context)),
    )
  withBroker(
    cluster
      .command('join')
      .description('learn what a cluster deals out, until Ctrl-C or until it is to leave'),
  )
    .option('--as <worker>', 'name of this worker, one for each process; that of the machine unless given')
    .option('-o, --out <folder>', 'folder of what the worker keeps for itself; worker-NAME unless given')
    .addOption(json('print a line of JSON per round, and one at the end'))
    .action(async (options: ClusterJoinOptions) => finish(await clusterJoin(options, context)))
  withBroker(cluster.command('status').description('tell where a cluster stands, and who has learnt what'))
    .addOption(json('print one object of JSON'))
    .action(async (options: ClusterLookOptions) => finish(await clusterStatus(options, context)))
  withBroker(
    cluster
      .command('leave')
      .description('have a worker leave: its process ends, and others learn its share')
      .argument('<worker>', 'its name'),
  )
    .addOption(json('print one object of JSON'))
    .action(async (worker: string, options: ClusterLookOptions) =>
      finish(await clusterLeave(worker, options, context)),
    )
}

/** The options by which a cluster is found. */
function withBroker(command: Command): Command {
  return command
    .requiredOption('--name <name>', 'name of the cluster')
    .addOption(
      several(
        '--broker <address>',
        'nats://HOST:4222, or several; BURGEON_BROKER, or nats://localhost:4222, unless given',
      ),
    )
    .option(
      '--credentials <file>',
      'JSON { "user", "password" } or { "token" }; BURGEON_BROKER_USER and _PASSWORD, or _TOKEN, unless given',
    )
    .option('--tls', 'seal what is sent, with the certificates that this machine trusts', false)
    .option('--tls-ca <file>', 'seal it, and trust the certificates of this file')
    .option('--tls-cert <file>', 'certificate by which the broker knows this machine')
    .option('--tls-key <file>', 'its key')
}

const examples = `
Examples:
  burgeon cluster start notes/ --name notes --broker nats://10.0.0.5:4222   on one machine
  burgeon cluster join --name notes --broker nats://10.0.0.5:4222           on each that is to learn
  burgeon cluster status --name notes --broker nats://10.0.0.5:4222
  burgeon generate --prompt "Dear "                                          with what all have learnt
`
