/** libvirt's capabilities for checks that can do without them; that libvirt does not answer is another check's finding. */
import { isLagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { HostFacts } from './facts.js'

/** XML; undefined: libvirt does not answer. */
export async function findCapabilities(
  task: Task,
  facts: Pick<HostFacts, 'capabilities'>,
): Promise<string | undefined> {
  return facts.capabilities(task).catch((error: unknown) => {
    task.signal.throwIfAborted()
    if (isLagoError(error)) return undefined
    throw error
  })
}

/** The program that runs guests of this host's own architecture. */
export function emulatorIn(xml: string, arch: string): string | undefined {
  const guest = [...xml.matchAll(/<guest>(.*?)<\/guest>/gs)]
    .map(([, text = '']) => text)
    .find((text) => text.includes('<os_type>hvm</os_type>') && text.includes(`<arch name='${arch}'>`))
  return /<emulator>([^<]+)<\/emulator>/.exec(guest ?? '')?.[1]
}

/** Security models that libvirt puts guests under: `dac`, `selinux`, `apparmor`. */
export function secmodelsIn(xml: string): readonly string[] {
  return [...xml.matchAll(/<secmodel>\s*<model>([^<]+)<\/model>/g)].map(([, model = '']) => model)
}
