/**
 * A machine as libvirt described it, kept in a file so that a saved memory finds the very same machine again, and
 * given back with the disks that the VM has now.
 */
import { readFile } from 'node:fs/promises'
import { writeFileAtomic } from '../../../base/files.js'
import type { Task } from '../../../base/task.js'
import { escapeXml, renderXml } from '../../../base/xml.js'
import type { LibvirtConnection } from '../../../libvirt/types.js'
import { markRestored } from '../../../plan/owner-mark.js'
import type { DiskPlan, VmPlan } from '../../../plan/types.js'
import type { SnapshotFiles } from '../../provider.js'
import { backingStore } from '../domain-xml.js'

/** Stands for the root directory; no path of libvirt's begins so. */
const ROOT_MARK = '@root@/'

export async function saveMachine(
  task: Task,
  libvirt: Pick<LibvirtConnection, 'domainXml'>,
  vm: VmPlan,
  { xml, rootDir }: Pick<SnapshotFiles, 'xml' | 'rootDir'>,
): Promise<void> {
  const text = await libvirt.domainXml(task, vm.libvirtName, 'restorable')
  await writeFileAtomic(xml, text.replaceAll(`${escapeXml(rootDir)}/`, ROOT_MARK), { mode: 0o600 })
}

/** The XML, with the images that `vm` names, marked as restored. */
export async function loadMachine(
  vm: VmPlan,
  { xml, rootDir }: Pick<SnapshotFiles, 'xml' | 'rootDir'>,
): Promise<string> {
  const text = await readFile(xml, 'utf8')
  return markRestored(withDisks(text.replaceAll(ROOT_MARK, `${escapeXml(rootDir)}/`), vm))
}

/** libvirt's own XML: attributes in single quotes, `driver`, `source`, `backingStore` and `target` in this order. */
function withDisks(xml: string, vm: VmPlan): string {
  return xml.replace(/<disk [^]*?<\/disk>/g, (block) => {
    const dev = /<target dev='([^']*)'/.exec(block)?.[1]
    const disk = vm.disks.find(({ spec }) => spec.dev === dev)
    return disk === undefined ? block : withImage(block, disk)
  })
}

function withImage(block: string, disk: DiskPlan): string {
  const chain = backingStore(disk)
  return block
    .replace(/<backingStore\b[^]*<\/backingStore>|<backingStore\/>/, '')
    .replace(/(<driver\b[^>]*\btype=')[^']*/, (_, head: string) => head + disk.driver)
    .replace(/<source\b[^]*?(?:\/>|<\/source>)/, () => `<source file='${escapeXml(disk.path)}'/>`)
    .replace(/<target\b/, (target) => (chain === undefined ? '' : renderXml(chain)) + target)
}
