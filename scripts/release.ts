/**
 * `node scripts/release.ts [--publish]`: tries a release, or makes one.
 *
 * Without `--publish` it holds the versions and the changelog to their rules, builds, and lets npm go through
 * the publishing of every package without sending anything. With it the tree must also be clean and the
 * changelog must tell of this version; then the packages are published, each after those that it needs, and
 * the commit gets the tag `v1.2.3`.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildPackages, root } from './pack-packages.ts'
import { completeManifest, inOrder, manifestText, readManifest } from './package-manifests.ts'
import { changesIn, releaseProblems } from './release-problems.ts'

const isMeant = process.argv.includes('--publish')
const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()

const { version } = readManifest('.')
const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
const problems = releaseProblems({
  version,
  changelog,
  unlike: inOrder.filter(
    (folder) =>
      readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8') !==
      manifestText(completeManifest(folder)),
  ),
  isMeant,
  changedFiles: isMeant ? git('status', '--porcelain') : '',
  tags: isMeant ? git('tag', '--list').split('\n') : [],
})
if (problems.length > 0) {
  for (const problem of problems) console.error(`release: ${problem}`)
  process.exit(1)
}

buildPackages()
publish('--dry-run')
if (isMeant) {
  publish()
  git('tag', '--annotate', `v${version}`, '--message', `${version}\n\n${changesIn(changelog, version) ?? ''}`)
  console.log(`published ${version}; now: git push origin v${version}`)
} else console.log(`${version} could be published; node scripts/release.ts --publish does it`)

/** Every package, each after those that it needs. A trial asks no registry. */
function publish(...flags: readonly string[]): void {
  for (const folder of inOrder) {
    const args = [
      'publish',
      '--workspace',
      `packages/${folder}`,
      '--loglevel=error',
      '--ignore-scripts',
      ...flags,
    ]
    if (flags.includes('--dry-run')) args.push('--offline')
    console.log(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }).trim())
  }
}
