/** Problems that stand in the way of a release, as plain data in and sentences out. */

/** Facts that a release is judged by. */
export interface ReleaseFacts {
  /** Version in the root's package.json. */
  readonly version: string
  readonly changelog: string
  /** Folders of packages whose manifest is not what the root's asks for. */
  readonly unlike: readonly string[]
  /** Whether it is more than a trial. */
  readonly isMeant: boolean
  /** Output of `git status --porcelain`. */
  readonly changedFiles: string
  readonly tags: readonly string[]
}

/** The section of the changelog about a version, `Unreleased` or `1.2.3`; null if it has no such section. */
export function changesIn(changelog: string, version: string): string | null {
  const sections = changelog.split(/^## /m).slice(1)
  const own = sections.find((section) => section.startsWith(`[${version}]`))
  return own === undefined ? null : own.replace(/^.*\n/, '').trim()
}

/** Sentences, none if the release may go on. */
export function releaseProblems(facts: ReleaseFacts): string[] {
  const { version, changelog, unlike, isMeant, changedFiles, tags } = facts
  const problems: string[] = []
  if (!/^\d+\.\d+\.\d+$/.test(version))
    problems.push(`package.json has version ${version}; expected three numbers.`)
  for (const folder of unlike)
    problems.push(
      `packages/${folder}/package.json is out of step; run node scripts/package-manifests.ts --write.`,
    )
  if (changesIn(changelog, 'Unreleased') === null)
    problems.push('CHANGELOG.md has no section "## [Unreleased]"; add one above the versions.')
  const dates = [...changelog.matchAll(/^## \[(\d+\.\d+\.\d+)\](.*)$/gm)]
  for (const [, of, date] of dates) {
    if (!/^ - \d{4}-\d\d-\d\d$/.test(date))
      problems.push(`CHANGELOG.md: the heading of ${of} needs its date: ## [${of}] - 2026-01-31.`)
  }
  if (!isMeant) return problems
  if (!changesIn(changelog, version))
    problems.push(
      `CHANGELOG.md says nothing of ${version}; give it a section with its date and what has changed.`,
    )
  if (changedFiles !== '') problems.push(`the tree is not clean; commit first:\n${changedFiles}`)
  if (tags.includes(`v${version}`))
    problems.push(`the tag v${version} exists; raise the version in package.json.`)
  return problems
}
