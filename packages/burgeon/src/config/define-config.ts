/** The file `burgeon.config.ts`: settings of `burgeon learn` and `burgeon serve` that need not be typed each time. */
import { checkArgument, checkOptions, checks, type ChecksOf } from '@burgeon/tensor'

/** Settings of `burgeon learn`, by the names of its options. */
export interface LearnConfig {
  /** File or folder that is learnt, or `-`. */
  readonly source?: string | undefined
  /** Folder for checkpoint and report. */
  readonly out?: string | undefined
  /** Goes on from the checkpoint in `out`. */
  readonly resume?: boolean | undefined
  /** Goes on from there with text that is new from its first byte. */
  readonly append?: boolean | undefined
  /** Model whose weights a new life begins with. A life that is there goes on with its own. */
  readonly from?: string | undefined
  /** Rows that such a model writes and rehearses, ≥ 0. */
  readonly ownText?: number | undefined
  /** EWC's λ, ≥ 0. */
  readonly protection?: number | undefined
  /** How many times a file or folder is read in all, ≥ 1. */
  readonly passes?: number | undefined
  /** ≥ 0; same seed, same life. */
  readonly seed?: number | undefined
  /** How far a step goes, > 0. */
  readonly learningRate?: number | undefined
  /** Max parameters the model may grow to. */
  readonly maxParameters?: number | undefined
  /** Max tokens the vocabulary may grow to, ≥ 256. */
  readonly vocabulary?: number | undefined
  /** Bytes that recall takes beside the weights, ≥ 2^18. */
  readonly recall?: number | undefined
  /** Steps from one sleep to the next, ≥ 1. */
  readonly sleepEvery?: number | undefined
  /** How often sets of tokens are to hold what comes, from 0.01 to 0.99. */
  readonly coverage?: number | undefined
  /** Decay of the average of its weights that it answers with, from 0 to 0.9999. */
  readonly average?: number | undefined
  /** Puts the domain of each row before it. */
  readonly labels?: boolean | undefined
  /** Learns pictures, sound and tables of numbers beside text. */
  readonly senses?: boolean | undefined
  /** File of JSON: guards by name, with their options. */
  readonly guard?: string | undefined
  /** File of JSON: what may be learnt, said and grown. */
  readonly policy?: string | undefined
  /** Keeps a checkpoint of every size. */
  readonly keepSizes?: boolean | undefined
  /** File of JSON lines that every step is written into. */
  readonly jsonl?: string | undefined
  /** Folder of event files for TensorBoard. */
  readonly tensorboard?: string | undefined
  /** Share of common pieces from which on a record counts as one that came before. */
  readonly similarity?: number | undefined
  /** MB of records that stay in the journal once they are learnt, ≥ 0. */
  readonly keepExperience?: number | undefined
  /** Name or number, from 1, of the column of tables that is learnt alone. */
  readonly column?: string | undefined
}

/** Settings of `burgeon serve`, by the names of its options. */
export interface ServeConfig {
  /** Folder of a life, any other model, or `hf://owner/model`. */
  readonly model?: string | undefined
  /** Address to listen on; any but 127.0.0.1 wants keys. */
  readonly host?: string | undefined
  /** Port to listen on, 0 to 65,535; 0 for any that is free. */
  readonly port?: number | undefined
  /** Name of the model for clients. */
  readonly name?: string | undefined
  /** File of keys. Keys themselves have no place in a file of settings. */
  readonly keys?: string | undefined
  /** Web pages that may ask, `https://example.org`. */
  readonly origin?: readonly string[] | undefined
  /** Share of the time that learning gets while texts are written, in [0, 1]. */
  readonly learnShare?: number | undefined
  /** File or folder that is learnt at the same time, and whatever is added to it. */
  readonly learn?: string | undefined
  /** Name or number, from 1, of the column of tables that is learnt alone. */
  readonly column?: string | undefined
  /** MB of records that stay in the journal once they are learnt, ≥ 0. */
  readonly keepExperience?: number | undefined
  /** Model whose weights a new life begins with. A life that is there goes on with its own. */
  readonly from?: string | undefined
  /** Steps from one sleep of a new life to the next, ≥ 1. A life that is there sleeps as it was begun. */
  readonly sleepEvery?: number | undefined
  /** Learns pictures, sound and tables of numbers beside text. */
  readonly senses?: boolean | undefined
  /** File of JSON: guards by name, with their options. */
  readonly guard?: string | undefined
  /** File of JSON: what may be learnt, said and grown. */
  readonly policy?: string | undefined
  /** Has growth wait until somebody approves it. */
  readonly approveGrowth?: boolean | undefined
  /** Leaves a life as it is. */
  readonly readOnly?: boolean | undefined
  /** Writes a plain transcript, though the model has a chat template. */
  readonly plain?: boolean | undefined
  /** Offers tools for agents at `/mcp`. */
  readonly mcp?: boolean | undefined
  /** Publishes the weights under this name, for replicas that follow. */
  readonly publish?: string | undefined
  /** Seconds from one version that is published to the next, ≥ 0.05. */
  readonly publishEvery?: number | undefined
  /** Follows the weights that are published under this name. */
  readonly follow?: string | undefined
  /** Lets requests in for the replicas that follow this name. */
  readonly door?: string | undefined
  /** Address of a NATS broker. A password has no place in a file of settings. */
  readonly broker?: string | undefined
  /** File of JSON: user and password, or a token. */
  readonly credentials?: string | undefined
  /** Seals what is sent. */
  readonly tls?: boolean | undefined
  /** File of certificates that the broker's is signed by. */
  readonly tlsCa?: string | undefined
  /** File of a certificate to show to the broker, and of its key. */
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  /** File of JSON lines that every step is written into. */
  readonly jsonl?: string | undefined
  /** Folder of event files for TensorBoard. */
  readonly tensorboard?: string | undefined
}

/** What `burgeon.config.ts` holds. Flags and variables of the environment count before it. */
export interface BurgeonConfig {
  readonly learn?: LearnConfig | undefined
  readonly serve?: ServeConfig | undefined
}

/** The bounds of a factor or rate that a flag takes, too. */
const [least, most] = [1e-12, 1e12]

const learnChecks: ChecksOf<LearnConfig> = {
  source: checks.text,
  out: checks.text,
  resume: checks.boolean,
  append: checks.boolean,
  from: checks.text,
  ownText: checks.integer({ from: 0 }),
  protection: checks.number({ from: 0, to: most }),
  passes: checks.integer({ from: 1 }),
  seed: checks.seed,
  learningRate: checks.number({ from: least, to: most }),
  maxParameters: checks.integer({ from: 1 }),
  vocabulary: checks.integer({ from: 256 }),
  recall: checks.integer({ from: 2 ** 18 }),
  sleepEvery: checks.integer({ from: 1 }),
  coverage: checks.number({ from: 0.01, to: 0.99 }),
  average: checks.number({ from: 0, to: 0.9999 }),
  labels: checks.boolean,
  senses: checks.boolean,
  guard: checks.text,
  policy: checks.text,
  keepSizes: checks.boolean,
  jsonl: checks.text,
  tensorboard: checks.text,
  similarity: checks.number({ from: 1e-3, to: 1 }),
  column: checks.text,
  keepExperience: checks.integer({ from: 0 }),
}

const serveChecks: ChecksOf<ServeConfig> = {
  model: checks.text,
  host: checks.text,
  port: checks.integer({ from: 0, to: 65_535 }),
  name: checks.text,
  keys: checks.text,
  origin: checks.list('a list of origins', checks.text),
  learnShare: checks.number({ from: 0, to: 1 }),
  learn: checks.text,
  column: checks.text,
  keepExperience: checks.integer({ from: 0 }),
  from: checks.text,
  sleepEvery: checks.integer({ from: 1 }),
  senses: checks.boolean,
  guard: checks.text,
  policy: checks.text,
  approveGrowth: checks.boolean,
  readOnly: checks.boolean,
  plain: checks.boolean,
  mcp: checks.boolean,
  publish: checks.text,
  publishEvery: checks.number({ from: 0.05, to: most }),
  follow: checks.text,
  door: checks.text,
  broker: checks.text,
  credentials: checks.text,
  tls: checks.boolean,
  tlsCa: checks.text,
  tlsCert: checks.text,
  tlsKey: checks.text,
  jsonl: checks.text,
  tensorboard: checks.text,
}

/**
 * Throws OptionError for a key that does not exist, with the nearest that does, and for a value that is none.
 *
 * @param who What the settings come from, for the message.
 */
export function checkConfig(who: string, config: BurgeonConfig): void {
  const section = checks.object<object>('an object of settings')
  checkOptions(who, config, { learn: section, serve: section })
  if (config.learn !== undefined) checkOptions(`${who}: learn`, config.learn, learnChecks)
  if (config.serve !== undefined) checkOptions(`${who}: serve`, config.serve, serveChecks)
}

/**
 * The settings themselves: an editor completes them, and what is wrong with them is said at once.
 *
 * @throws OptionError as a command that reads them would.
 * @example
 * ```ts
 * import { defineConfig } from 'burgeon'
 *
 * // Of burgeon.config.ts, where it is the default export.
 * const config = defineConfig({
 *   learn: { source: 'notes', maxParameters: 8_000_000 },
 *   serve: { learn: 'notes', port: 8080 },
 * })
 * ```
 */
export function defineConfig(config: BurgeonConfig): BurgeonConfig {
  checkArgument('defineConfig', 'config', config, checks.object('an object of settings'))
  checkConfig('defineConfig', config)
  return config
}
