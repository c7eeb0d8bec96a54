import type { CommandContext, CommandSpec } from '../../../index.js'
import type { Project } from '../../../rpm/projects.js'
import type { RepoSetup } from '../reposetup.js'
import { withEnv } from '../with-env.js'

export const reposetup: CommandSpec = {
  name: 'ovirt reposetup',
  summary: 'Make the repository that the guests install from: built, custom and synchronised packages',
  example: 'lago ovirt reposetup --reposync-yum-config reposync-config.repo',
  args: [],
  options: [
    {
      name: 'rpm-repo',
      type: 'string',
      complete: 'directory',
      help: 'directory for synchronised repositories (default: reposync_dir)',
    },
    {
      name: 'reposync-yum-config',
      complete: 'file',
      type: 'string',
      help: 'yum configuration; its sections that end in -DISTRO are synchronised (default: reposync_config)',
    },
    { name: 'skip-sync', type: 'flag', help: 'take repositories as they were synchronised before' },
    {
      name: 'custom-source',
      complete: 'file',
      type: 'list',
      help: 'packages that win over synchronised ones: a directory, file, pattern or URL, or conf:FILE',
    },
    {
      name: 'repoman-config',
      type: 'string',
      complete: 'file',
      help: 'INI file with options of repoman for custom sources',
    },
    { name: 'repo-name', type: 'string', help: 'name of the repository (default: default)' },
    { name: 'engine-dir', type: 'string', complete: 'directory', help: 'source tree of ovirt-engine to build from' },
    { name: 'engine-with-gwt', type: 'flag', help: 'build the engine with its web pages' },
    { name: 'vdsm-dir', type: 'string', complete: 'directory', help: 'source tree of vdsm to build from' },
    {
      name: 'vdsm-jsonrpc-java-dir',
      type: 'string',
      complete: 'directory',
      help: 'source tree of vdsm-jsonrpc-java to build from',
    },
    { name: 'ioprocess-dir', type: 'string', complete: 'directory', help: 'source tree of ioprocess to build from' },
  ],
  async run(context) {
    const { setUpRepository } = await import('../reposetup.js')
    const setup = await repoSetupOf(context)
    await withEnv(context, async (env) =>
      context.task.step('Create prefix internal repo', async (task) => setUpRepository(task, env, setup)),
    )
  },
}

/** An option with an empty value is one that was not given: run_suite.sh passes them all (spec 7.2). */
async function repoSetupOf({ args, config, cwd, env }: CommandContext): Promise<RepoSetup> {
  const { default: path } = await import('node:path')
  const { PROJECTS, PROJECT_RULES } = await import('../../../rpm/projects.js')
  const lago = config.section('lago')
  const given = (name: string): string | undefined => args.one(name) || undefined
  const absolute = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : path.resolve(cwd, file)
  const sourceDirs = PROJECTS.flatMap((project): [Project, string][] => {
    const dir = absolute(given(PROJECT_RULES[project].option))
    return dir === undefined ? [] : [[project, dir]]
  })
  return {
    rpmRepoDir: path.resolve(cwd, given('rpm-repo') ?? lago['reposync_dir'] ?? ''),
    yumConfigPath: absolute(given('reposync-yum-config') ?? lago['reposync_config']),
    skipSync: args.flag('skip-sync'),
    customSources: (args.list('custom-source') ?? []).filter((source) => source !== ''),
    repomanConfigPath: absolute(given('repoman-config')),
    repoName: given('repo-name') ?? 'default',
    sourceDirs: new Map(sourceDirs),
    withGwt: args.flag('engine-with-gwt'),
    cwd,
    variables: env,
    isOffline: config.store.offline,
  }
}
