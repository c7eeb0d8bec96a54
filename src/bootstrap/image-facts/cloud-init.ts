/** Whether cloud-init will set the machine up at its first start, and from a seed that we give. */
import type { ImageFiles } from './files.js'
import type { Init } from './init.js'
import { isEnabled } from './units.js'

/** `other-sources`: it is told to look elsewhere than at a NoCloud seed. */
export type CloudInit = 'enabled' | 'disabled' | 'other-sources' | 'absent'

export async function readCloudInit(files: ImageFiles, init: Init): Promise<CloudInit> {
  if (!(await files.hasAny('/usr/bin/cloud-init', '/usr/local/bin/cloud-init'))) return 'absent'
  if (await files.has('/etc/cloud/cloud-init.disabled')) return 'disabled'
  if (!(await isStarted(files, init))) return 'disabled'
  const sources = await dataSources(files)
  return sources === undefined || sources.includes('NoCloud') ? 'enabled' : 'other-sources'
}

/** cloud-init's own first service; `cloud-init.service` before version 24.3, and still wanted as a name after it. */
const UNITS = ['cloud-init.service', 'cloud-init-main.service', 'cloud-init-local.service']
const TARGETS = ['cloud-init.target', 'multi-user.target']
const RUN_LEVELS = ['/etc/runlevels/boot', '/etc/runlevels/default', '/etc/rc2.d', '/etc/rc3.d', '/etc/rc.d/rc3.d']

async function isStarted(files: ImageFiles, init: Init): Promise<boolean> {
  if (init.kind === 'systemd') {
    for (const unit of UNITS) if (await isEnabled(files, unit, TARGETS)) return true
    return false
  }
  for (const dir of RUN_LEVELS)
    if ((await files.names(dir)).some((name) => /^(S\d\d)?cloud-init/.test(name))) return true
  return false
}

/** Of the last file that names them; undefined: cloud-init looks everywhere. */
async function dataSources(files: ImageFiles): Promise<readonly string[] | undefined> {
  const parts = (await files.names('/etc/cloud/cloud.cfg.d')).filter((name) => name.endsWith('.cfg'))
  let found: readonly string[] | undefined
  for (const filePath of ['/etc/cloud/cloud.cfg', ...parts.map((name) => `/etc/cloud/cloud.cfg.d/${name}`)])
    found = listOf((await files.text(filePath)) ?? '') ?? found
  return found
}

/** `datasource_list: [ NoCloud, None ]`, on one line or several, or one `- NoCloud` a line. */
function listOf(text: string): readonly string[] | undefined {
  const list = /^datasource_list:[ \t]*(?:\[([^\]]*)\]|((?:[ \t]*(?:#.*)?\n[ \t]*-[ \t]*\S+)+))/m.exec(text)
  const names = (list?.[1] ?? list?.[2])?.match(/\w+/g)
  return names === null ? undefined : names
}
