/** The internal repository of oVirt's suites, beside reposync, hard links and createrepo_c as typed by hand. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Bench, Group } from './context.js'
import { prepare } from './environment.js'
import { lago, run, runInBash } from './programs.js'

const COUNT = 200

export const reposetup: Group = {
  name: 'reposetup',
  async run(bench) {
    const served = await buildPackages(bench)
    const configPath = path.join(bench.place, 'reposync.repo')
    await writeFile(configPath, `[main]\n[bench-mini]\nname=bench\nbaseurl=file://${served}\n`)
    const dir = await prepare(bench, 'reposetup', 1, { 'vm-type': 'ovirt-host' })
    await lago(bench, dir, ['init'])
    const [ours, theirs] = [path.join(bench.place, 'by-lago'), path.join(bench.place, 'by-hand')]
    const lagoWay = async (): Promise<unknown> =>
      lago(bench, dir, ['ovirt', 'reposetup', '--reposync-yum-config', configPath, '--rpm-repo', ours])
    const byHand = async (): Promise<unknown> => runInBash(bench, BY_HAND, [configPath, theirs])

    const first = bench.table.row(`reposetup of ${COUNT} packages`)
    const again = bench.table.row(`reposetup of ${COUNT} packages again, with nothing new`)
    for (let round = 0; round < bench.rounds; round++) {
      for (const made of [ours, theirs, path.join(dir, '.lago/default/internal_repo')])
        await rm(made, { recursive: true, force: true })
      await first.measure('lago', lagoWay)
      await first.measure('byHand', byHand)
      await again.measure('lago', lagoWay)
      await again.measure('byHand', byHand)
    }
  },
}

/** Of $1, the yum configuration, to $2/repo. */
const BY_HAND = `
dnf --quiet --config "$1" --setopt=reposdir= --setopt=cachedir="$2/cache" reposync --repoid=bench-mini \\
    --download-path="$2" --newest-only --delete
mkdir -p "$2/repo"
cp --link --force "$2"/bench-mini/*.rpm "$2/repo/"
createrepo_c --quiet --update "$2/repo"
`

/** Gives the directory of a repository. */
async function buildPackages(bench: Bench): Promise<string> {
  const topDir = path.join(bench.place, 'rpmbuild')
  await mkdir(topDir)
  const names = Array.from({ length: COUNT }, (_, index) => `part${index}`)
  const parts = names.map(
    (name) => `%package ${name}\nSummary: part\n%description ${name}\nx\n%files ${name}\n/${name}\n`,
  )
  const specPath = path.join(topDir, 'bench.spec')
  const head =
    'Name: bench\nVersion: 1\nRelease: 1\nSummary: bench\nLicense: none\nBuildArch: noarch\n%description\nx\n'
  const install = `%install\nmkdir -p %{buildroot}\ncd %{buildroot}\nfor n in ${names.join(' ')}; do seq 2000 > $n; done\n`
  await writeFile(specPath, [head, install, ...parts].join('\n'))
  await run(bench, ['rpmbuild', '--quiet', '-bb', '--define', `_topdir ${topDir}`, specPath])
  const served = path.join(topDir, 'RPMS/noarch')
  await run(bench, ['createrepo_c', '--quiet', served])
  return served
}
