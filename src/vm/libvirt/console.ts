/** The serial line of a VM. */
import type { Duplex } from 'node:stream'
import { isLagoError, LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import { VIR_ERR_NO_DOMAIN, VIR_ERR_OPERATION_FAILED, VIR_ERR_OPERATION_INVALID } from '../../libvirt/constants.js'
import { isLibvirtError } from '../../libvirt/errors.js'
import type { ConsoleOptions, LibvirtConnection } from '../../libvirt/types.js'
import type { VmPlan } from '../../plan/types.js'

/** Throws `LAGO_VM_NOT_RUNNING`, `LAGO_CONSOLE_BUSY` (unless `force`d), `LAGO_LIBVIRT`. */
export async function openVmConsole(
  task: Task,
  libvirt: Pick<LibvirtConnection, 'openConsole'>,
  vm: Pick<VmPlan, 'libvirtName'> & { readonly spec: Pick<VmPlan['spec'], 'name'> },
  options: ConsoleOptions = {},
): Promise<Duplex> {
  try {
    return await libvirt.openConsole(task, vm.libvirtName, options)
  } catch (error) {
    throw explained(error, vm.spec.name)
  }
}

function explained(error: unknown, vm: string): unknown {
  if (isLibvirtError(error, VIR_ERR_NO_DOMAIN) || isLibvirtError(error, VIR_ERR_OPERATION_INVALID))
    return new LagoError('LAGO_VM_NOT_RUNNING', `Host ${vm} is not "running"`, {
      hint: `lago start ${vm}`,
      data: { vm },
      cause: error,
    })
  // libvirt has no number of its own for this; without `force` nothing else fails in this way
  if (isLagoError(error) && isLibvirtError(error, VIR_ERR_OPERATION_FAILED))
    return new LagoError('LAGO_CONSOLE_BUSY', `the console of ${vm} is in use by another session`, {
      hint: 'leave it there, or take it over with --force',
      data: { vm },
      cause: error,
    })
  return error
}
