/** The commands that documents print, and how each of them is tried. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './pack-packages.ts'

/** A command as printed, without its comment. */
export interface PrintedCommand {
  readonly document: string
  readonly command: string
}

/** Documents with commands. Those of the packages are read by people who have no checkout. */
export const documents: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'test/README.md'],
  ...globSync(['docs/*.md', 'packages/*/README.md'], { cwd: root }).toSorted(),
]

const program = /^(?:npm|npx|node|bash|git|apt-get|scripts\/\S+)(?: |$)/

/**
 * Every command of a document, in order: the lines of ```sh blocks, and what stands between backticks and
 * begins as one.
 */
export function commandsIn(document: string): PrintedCommand[] {
  const text = readFileSync(join(root, document), 'utf8')
  const found = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$|`([^`\n]+)`/gm)].flatMap(
    ([, kind, block, inline]) => {
      if (kind === 'sh') return block.split('\n').map((line) => line.replace(/(^|\s+)#.*$/, '').trim())
      return inline === undefined ? [] : [complete(inline)].filter((command) => program.test(command))
    },
  )
  return [...new Set(found.filter((line) => line !== ''))].map((command) => ({ document, command }))
}

/** Lines of blocks that are not marked as commands although they begin as some. */
export function unmarkedIn(document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, kind, block]) =>
    kind === 'sh' || kind === 'ts' ? [] : block.split('\n').filter((line) => program.test(line)),
  )
}

/**
 * Prose that has just named `npm run bench -- tape` goes on with `-- checkpoint`, and leaves out npx where
 * that is no command to type.
 */
function complete(inline: string): string {
  return inline
    .replace(/^(?:bench )?-- (?=[a-z])/, 'npm run bench -- ')
    .replace(/^burgeon (?=[a-z])/, 'npx burgeon ')
}

/** How a command is tried that is not run as it is printed. */
export interface Otherwise {
  /** Command that is run in its place; none if it cannot be run. */
  readonly run?: string
  readonly because: string
  /** Takes minutes: only `node scripts/try-commands.ts --all` runs it. */
  readonly isLong?: boolean
}

const data = 'needs a data set, which no checkout has'
const answers = 'answers until it is told to end; test/server runs it'
const records = 'needs a life that has learnt records; test/records/forgetting runs it'
const broker = 'needs a broker at an address; test/cluster runs it'
const fleet = 'needs a broker; test/server/fleet runs it'
const gpu = 'needs a GPU to say anything'
const peers = 'fetches peers of hundreds of megabytes'
const bench = (name: string): Otherwise => ({
  run: `npm run bench -- ${name} --quick`,
  because: 'the whole benchmark takes too long; its small form runs',
  isLong: true,
})

/** By command. A command that is not here is run as printed. */
export const otherwise: Readonly<Record<string, Otherwise>> = {
  'npm ci && npm start': {
    run: 'npm start -- --quick',
    because: 'installed already; a whole first life takes minutes',
  },
  'npm ci && npm test': {
    run: 'npm test -- test/random',
    because: 'installed already; this very run is part of all tests',
  },
  'npm start -- --resume': {
    run: 'npm start -- --quick --resume',
    because: 'goes on with the small life that was tried',
  },
  'npm ci': { run: 'npm ci --dry-run --offline', because: 'installed already' },
  'npm test': { run: 'npm test -- test/random', because: 'this very run is part of all tests' },
  'npm run check': { run: 'npm run check:format', because: 'the checks have run before' },
  'npx burgeon inspect --growth --picture FILE': {
    run: 'npx burgeon inspect --growth --picture life/growth.svg',
    because: 'FILE stands for any name',
  },
  'npx burgeon learn --keep-sizes': {
    run: 'npx burgeon learn notes --keep-sizes --out life/kept',
    because: 'the text does not say what is learnt',
  },
  'npm run try:packages': { because: 'the continuous integration runs it by itself' },
  'npx burgeon forget --from life --source nats://localhost/notes': { because: records },
  'npx burgeon forget --from life --source nats://localhost/notes --replay --out life-without': {
    because: records,
  },
  'npx burgeon learn notes/ --coverage 0.9': {
    run: 'npx burgeon learn notes/ --coverage 0.9 --out life/sure',
    because: 'a life is there from another try',
  },
  'npx burgeon learn notes/ --average 0.98': {
    run: 'npx burgeon learn notes/ --average 0.98 --out life/averaged',
    because: 'a life is there from another try',
  },
  'npx burgeon learn notes/ --labels': {
    run: 'npx burgeon learn notes/ --labels --out life/labelled',
    because: 'a life is there from another try',
  },
  "npx burgeon generate --prompt 'The ' --label letters": {
    because: 'letters is a folder of notes; test/front-door/labels runs it',
  },
  'npx burgeon eval letter.txt': {
    because: 'letter.txt is any text; test/front-door/labels runs it',
  },
  'npx burgeon learn notes/ --sleep-every 1000': {
    run: 'npx burgeon learn notes/ --sleep-every 1000 --out life/sleeping',
    because: 'a life is there from another try',
  },
  'npx burgeon learn notes/ --guard guard.json': {
    run: 'npx burgeon learn --help',
    because: 'guard.json stands beside the command; test/guard runs it',
  },
  'npx burgeon learn notes/ --policy policy.json': {
    run: 'npx burgeon learn --help',
    because: 'policy.json stands beside the command; test/guard runs it',
  },
  'npx burgeon approve life': { because: 'needs a life with a policy; test/guard runs it' },
  'npx burgeon approve life ID --by NAME': { because: 'ID is that of a request; test/guard runs it' },
  'npx burgeon stop life --by NAME': { because: 'needs a life; test/guard runs it' },
  'npx burgeon stop life --release': { because: 'needs a life; test/guard runs it' },
  'npx burgeon quarantine list': { because: 'needs a life with a guard; test/guard runs it' },
  'npx burgeon serve --learn notes/ --publish notes --broker nats://10.0.0.5:4222': { because: fleet },
  'npx burgeon serve --follow notes --broker nats://10.0.0.5:4222': { because: fleet },
  'npx burgeon serve --door notes --broker nats://10.0.0.5:4222': { because: fleet },
  'npx burgeon serve --guard FILE': { run: 'npx burgeon serve --help', because: answers },
  'npx burgeon forget --source NAME': { because: records },
  'npx burgeon audit verify life --head HEAD': { because: 'HEAD is that of a life; test/audit runs it' },
  'npx burgeon audit prove life 3 > proof.json': {
    because: 'needs a life that has learnt records; test/audit runs it',
  },
  'npx burgeon audit check proof.json --text text.txt --head HEAD': {
    because: 'needs a proof; test/audit runs it',
  },
  'npx burgeon card': { because: 'names the command; test/front-door/card runs it' },
  'npx burgeon audit check': { because: 'names the command; test/audit runs it' },
  'npx burgeon audit verify': { because: 'names the command; test/audit runs it' },
  'npm run bench -- explain': bench('explain'),
  'npx burgeon learn': { because: 'names the command, whose text is not given' },
  'npx burgeon forget': { because: 'names the command; test/records/forgetting runs it' },
  'npx burgeon plan': { because: 'names the command; test/front-door/planning runs it' },
  'npx burgeon drift': { because: 'names the command; test/front-door/drift runs it' },
  'npx burgeon restore': { because: 'names the command; test/front-door/kept-sizes runs it' },
  'npx node --conditions=@burgeon/source file.ts': {
    run: 'npx node --conditions=@burgeon/source examples/grow-while-learning.ts',
    because: 'file.ts stands for any source',
  },
  'npm run write:first-life': { because: 'writes documents anew' },
  'npm run write:dashboard': { because: 'writes pictures anew' },
  'npm run try:commands': { because: 'is this very run' },
  'npm run mutants': { because: 'runs the tests once for each of hundreds of mutants' },
  'npm run bench:all -- --data DIR': { because: data },
  'npm run release -- --publish': { because: 'publishes' },
  'npm run bench -- first-life --seeds 3': bench('first-life --seeds 1'),
  'npm run bench -- first-life --data DIR': { because: data },
  'npm run bench -- first-life --seeds 1 --quick': {
    ...bench('first-life --seeds 1'),
    because: 'takes minutes',
  },
  'npm run bench -- controller --data DIR': { because: data },
  'npm run bench -- growth-cost': bench('growth-cost'),
  'npm run bench -- meta': bench('meta'),
  'npm run bench -- plasticity': bench('plasticity'),
  'npm run bench -- drift': bench('drift'),
  'npm run bench -- strategies': bench('strategies'),
  'npm run bench -- overhead': bench('overhead'),
  'npm run bench -- serve': bench('serve'),
  'npm run bench -- mixed-load': bench('mixed-load'),
  'npm run bench -- checkpoint': bench('checkpoint'),
  'npm run bench -- per-example': bench('per-example'),
  'npm run bench -- tape': bench('tape'),
  'npm run bench -- memory': bench('memory'),
  'npm run bench -- ops': bench('ops'),
  'npm run bench -- training': bench('training'),
  'npm run bench -- generation': bench('generation'),
  'npm run bench -- mnist --data DIR': { because: data },
  'npm run bench -- shakespeare': { because: data },
  'npm run bench -- shakespeare --data DIR': { because: data },
  'npm run bench -- growth': { because: data },
  'npm run bench -- growth --data DIR': { because: data },
  'npm run bench -- split-mnist --data DIR': { because: data },
  'npm run bench -- three-scenarios --data DIR': { because: data },
  'npm run bench -- small-start': { because: data },
  'npm run bench -- small-start --data DIR': { because: data },
  'npm run bench -- context': { because: data },
  'npm run bench -- context --data DIR': { because: data },
  'npm run bench -- where': { because: data },
  'npm run bench -- where --data DIR': { because: data },
  'npm run bench -- feedback --data DIR': { because: data },
  'npm run bench -- cluster --data DIR': { because: data },
  'npx burgeon cluster start notes/ --name notes --broker nats://10.0.0.5:4222': { because: broker },
  'npx burgeon cluster join --name notes --broker nats://10.0.0.5:4222': { because: broker },
  'npx burgeon cluster status --name notes --broker nats://10.0.0.5:4222': { because: broker },
  'npx burgeon cluster leave kitchen --name notes --broker nats://10.0.0.5:4222': { because: broker },
  'npx burgeon cluster': { because: 'names the commands; test/cluster runs them' },
  'npm run bench -- sleep --data DIR': { because: data },
  'npm run bench -- unattended': bench('unattended'),
  'npm run bench -- choice --data DIR': { because: data },
  'npm run bench -- recall --data DIR': { because: data },
  'npm run bench -- video --data DIR': { because: data },
  'npm run bench -- five-senses --data DIR': { because: data },
  'npm run bench -- safety --data DIR': { because: data },
  'npm run bench -- self-knowledge --data DIR': { because: data },
  'npm run bench -- averaging --data DIR': { because: data },
  'npm run bench -- second-domain --data DIR': { because: data },
  'npm run bench -- language-shift --data DIR': { because: data },
  'npm run bench -- quantized --data DIR': { because: data },
  'npm run bench -- context-labels --data DIR': { because: data },
  'npm run bench -- vocabulary': { because: data },
  'npm run bench -- vocabulary --data DIR': { because: data },
  'npm run bench -- freezing --data DIR': { because: data },
  'npm run bench -- gpu-ops': { because: gpu },
  'npm run bench -- gpu-training': { because: gpu },
  'scripts/pack-gpu.sh': { because: gpu },
  'bash .gpu/run.sh node --conditions=@burgeon/source bench/run.ts gpu-ops --json bench/results/gpu-ops.json':
    {
      because: gpu,
    },
  'bash .gpu/run.sh node --conditions=@burgeon/source bench/run.ts gpu-training --json bench/results/gpu-training.json':
    { because: gpu },
  'npm ci --prefix bench/peers': { because: peers },
  'apt-get install python3-torch libopenblas0-pthread libopenblas0-openmp': { because: peers },
  'npm install webgpu': {
    because: 'fetches a GPU driver; the checkout has it among its development packages',
  },
  'npm i burgeon': { run: 'npm ls burgeon', because: 'the packages are there already' },
  'npm i burgeon @burgeon/senses': {
    run: 'npm ls @burgeon/senses',
    because: 'the packages are there already',
  },
  'npx burgeon learn inbox/ --senses': {
    run: 'npx burgeon learn notes/ --senses --out life/sensible',
    because: 'the pictures are those of the reader',
  },
  'npx burgeon generate --sense grey --prompt seven -o seven.png': {
    run: 'npx burgeon generate --help',
    because: 'wants a life that has learnt pictures',
  },
  'npx burgeon generate --sense pcm8 --seconds 0.1 -o some.wav': {
    run: 'npx burgeon generate --help',
    because: 'wants a life that has learnt sound',
  },
  'npx burgeon forecast hall.csv --steps 24 -o next.csv': {
    run: 'npx burgeon forecast --help',
    because: 'wants a life that has learnt such tables',
  },
  'npm i burgeon @burgeon/server': {
    run: 'npm ls @burgeon/server',
    because: 'the packages are there already',
  },
  'npx burgeon serve --learn notes/': { run: 'npx burgeon serve --help', because: answers },
  'npx burgeon serve --learn': { because: 'names the option, whose text is not given' },
  'npx burgeon serve': { run: 'npx burgeon serve --help', because: answers },
  'npx burgeon mcp life': { run: 'npx burgeon mcp --help', because: answers },
  'npx burgeon serve --mcp': { run: 'npx burgeon serve --help', because: answers },
  'npm i @modelcontextprotocol/sdk@1.32.2': {
    run: 'npm ls @modelcontextprotocol/sdk',
    because: 'an optional package, which the checkout has among its development packages',
  },
  'npx burgeon serve life': { run: 'npx burgeon serve --help', because: answers },
  'npx burgeon serve life --host 0.0.0.0 --keys keys.json': {
    run: 'npx burgeon serve --help',
    because: answers,
  },
  'npx burgeon init': {
    run: 'npx burgeon init --force',
    because: 'a file of settings may be there from another try',
  },
  'npm start': { run: 'npm start -- --quick', because: 'a whole first life takes minutes' },
  'npm install burgeon': { run: 'npm ls burgeon', because: 'the tarballs have been installed in its place' },
  'npx burgeon first-life --quick': {
    because: 'the default stream is the text of a checkout; there npm start -- --quick runs',
  },
}
