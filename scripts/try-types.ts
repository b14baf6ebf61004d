/**
 * Compiles every entry point of installed packages as strict users do: without Node's types, without passing
 * over libraries.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The ways in which a program may be compiled. */
const settings = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'esnext', moduleResolution: 'bundler' },
] as const

const program = (entries: readonly string[]): string =>
  [
    ...entries.map((entry, i) => `import * as entry${i} from '${entry}'`),
    "import { adamw, Gpt, Learner, type StepReport } from 'burgeon'",
    'const model = Gpt.create({ context: 16, embed: 16, heads: 2, layers: 1 })',
    'const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-2 }) })',
    "export const report: Promise<StepReport> = learner.observe('All work and no play. ')",
    `export const all = [${entries.map((_, i) => `entry${i}`).join(', ')}]`,
  ].join('\n')

/**
 * Throws what the compilers complain about.
 *
 * @param project Where the packages are installed.
 * @param compilers Files of TypeScript compilers, by version.
 */
export function tryTypes(
  project: string,
  entries: readonly string[],
  compilers: ReadonlyMap<string, string>,
): void {
  const complaints: string[] = []
  for (const [version, file] of compilers) {
    for (const setting of settings) {
      const folder = join(project, `types-${version}-${setting.moduleResolution}`)
      mkdirSync(folder)
      writeFileSync(join(folder, 'program.ts'), program(entries))
      const compilerOptions = {
        ...{ ...setting, target: 'es2022', lib: ['es2022', 'dom'], types: [], noEmit: true },
        ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false },
      }
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }))
      const { status, stdout } = spawnSync(process.execPath, [file, '-p', folder], {
        cwd: dirname(folder),
        encoding: 'utf8',
      })
      const about = `TypeScript ${version}, ${setting.moduleResolution}`
      console.log(`${about}: ${status === 0 ? 'compiles' : 'DOES NOT COMPILE'}`)
      if (status !== 0) complaints.push(`${about}:\n${stdout}`)
    }
  }
  if (complaints.length > 0) throw new Error(`the types do not compile:\n${complaints.join('\n')}`)
}
